import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { type Failure, toFailure } from '../lib/failure.js';
import {
  afterEvent,
  followRun,
  type LogEntry,
  listRuns,
  type Point,
  pointsOf,
  type RunCard,
  smoothed,
} from '../lib/training.js';
import { duration, integer, short } from '../lib/words.js';
import { LineChart, type Series } from '../parts/line-chart.js';
import { Busy, Empty, Failed } from '../parts/states.js';

interface Runs {
  state: 'loading' | 'ready' | 'failed';
  watching: boolean;
  runs: RunCard[];
  failure?: Failure;
}

/** The runs that the server sees, asked for again every few seconds: a new one may begin at any time. */
function useRuns(): [Runs, () => void] {
  const [found, setFound] = useState<Runs>({ state: 'loading', watching: true, runs: [] });
  const [round, setRound] = useState(0);
  useEffect(() => {
    const controller = new AbortController();
    const ask = (): void => {
      listRuns(controller.signal).then(
        (answer) => setFound({ state: 'ready', ...answer }),
        (error: unknown) => {
          if (controller.signal.aborted) return;
          setFound({ state: 'failed', watching: true, runs: [], failure: toFailure(error) });
        },
      );
    };
    ask();
    const timer = setInterval(ask, 5000);
    return () => {
      controller.abort();
      clearInterval(timer);
    };
  }, [round]);
  return [found, () => setRound((before) => before + 1)];
}

interface Followed {
  entries: LogEntry[];
  maxSteps: number | null;
  /** The line to the server is open. */
  live: boolean;
}

/** The log of a run as it grows; a broken line is taken up again. */
function useRun(run: string | undefined): Followed {
  const [followed, setFollowed] = useState<Followed>({ entries: [], maxSteps: null, live: false });
  useEffect(() => {
    setFollowed({ entries: [], maxSteps: null, live: false });
    if (run === undefined) return;
    const controller = new AbortController();
    void follow(run, controller.signal, setFollowed);
    return () => controller.abort();
  }, [run]);
  return followed;
}

async function follow(
  run: string,
  signal: AbortSignal,
  tell: (change: (before: Followed) => Followed) => void,
): Promise<void> {
  while (!signal.aborted) {
    try {
      for await (const event of followRun(run, signal)) {
        tell((before) => ({
          entries: afterEvent(before.entries, event),
          maxSteps: event.event === 'run' ? event.maxSteps : before.maxSteps,
          live: true,
        }));
      }
    } catch {
      // The list of runs says what is wrong with the server; this line is only tried again.
    }
    if (signal.aborted) return;
    tell((before) => ({ ...before, live: false }));
    await new Promise((resolve) => setTimeout(resolve, 2000));
  }
}

export function TrainingView(): JSX.Element {
  const [{ state, watching, runs, failure }, retry] = useRuns();
  const [wanted, choose] = useState<string>();
  const card = runs.find(({ id }) => id === wanted) ?? runs[0];
  const followed = useRun(card?.id);

  if (state === 'loading') return <Busy>Asking the server for training runs</Busy>;
  if (state === 'failed') return <Failed failure={failure!} onRetry={retry} />;
  if (!card) return <NoRuns watching={watching} />;
  return (
    <>
      <div class="run">
        <label class="model">
          <span class="field-label">Run</span>
          <select value={card.id} onChange={(event) => choose(event.currentTarget.value)}>
            {runs.map(({ id }) => (
              <option key={id} value={id}>
                {id}
              </option>
            ))}
          </select>
        </label>
        <LiveMark card={card} followed={followed} />
      </div>
      {followed.entries.length === 0 ? (
        <div class="sheet">
          <Empty title="This run has logged nothing yet">
            <p>Its first line is drawn here as soon as it is written.</p>
          </Empty>
        </div>
      ) : (
        <RunCharts followed={followed} />
      )}
    </>
  );
}

function NoRuns({ watching }: { watching: boolean }): JSX.Element {
  return (
    <div class="sheet">
      <Empty title={watching ? 'No run yet' : 'No folder is watched'}>
        {watching ? (
          <p>
            Start one whose <code>loggingDir</code> lies in the watched folder; it appears here by itself.
          </p>
        ) : (
          <p>
            Start the server with the folder that your runs log into: <code>weft serve --watch ./runs</code>
          </p>
        )}
      </Empty>
    </div>
  );
}

/** Whether a run goes on. Its last line, which tells how long it took, ends it. */
function stateOf({ active, step, maxSteps }: RunCard, { live, entries }: Followed): string {
  if (!live) return 'Connecting';
  const isLast = entries.at(-1)?.metrics.train_runtime !== undefined;
  if (isLast || (maxSteps && step !== null && step >= maxSteps)) return 'Finished';
  return active ? 'Live' : 'Quiet for half a minute';
}

function LiveMark({ card, followed }: { card: RunCard; followed: Followed }): JSX.Element {
  const state = stateOf(card, followed);
  return (
    <p class={state === 'Live' ? 'live live-on' : 'live'} role="status">
      <span class="live-dot" aria-hidden="true" />
      {state}
    </p>
  );
}

function RunCharts({ followed: { entries, maxSteps } }: { followed: Followed }): JSX.Element {
  const [cursor, setCursor] = useState<number>();
  const loss = pointsOf(entries, (entry) => entry.loss);
  const evaluated = pointsOf(entries, ({ metrics }) => metrics.eval_loss);
  const rate = pointsOf(entries, ({ learningRate }) => learningRate);
  const speed = pointsOf(entries, ({ stepsPerSecond }) => stepsPerSecond);
  const lastStep = Math.max(entries.at(-1)!.step, 1);
  const shared = { lastStep, cursor, onCursor: setCursor };
  const lossSeries: Series[] = [
    { name: 'logged', points: loss, look: 'faint' },
    { name: 'smoothed', points: smoothed(loss), look: 'main' },
    { name: 'evaluation', points: evaluated, look: 'dotted' },
  ];
  return (
    <section aria-label="Charts">
      <RunFacts {...{ entries, maxSteps, loss, rate, speed }} />
      <div class="sheet charts">
        <LineChart title="Loss" series={lossSeries} height={260} {...shared} />
        <div class="charts-pair">
          <LineChart
            title="Learning rate"
            series={[{ name: 'rate', points: rate, look: 'main' }]}
            height={160}
            {...shared}
          />
          <LineChart
            title="Speed"
            unit="steps/s"
            series={[
              { name: 'measured', points: speed, look: 'faint' },
              { name: 'smoothed', points: smoothed(speed), look: 'main' },
            ]}
            height={160}
            fromZero
            empty="Measured while you look, from the second new line on."
            {...shared}
          />
        </div>
      </div>
    </section>
  );
}

function RunFacts({
  entries,
  maxSteps,
  loss,
  rate,
  speed,
}: {
  entries: LogEntry[];
  maxSteps: number | null;
  loss: Point[];
  rate: Point[];
  speed: Point[];
}): JSX.Element {
  const { step, epoch } = entries.at(-1)!;
  // A run that has ended says how fast it was as a whole.
  const pace = speed.at(-1)?.y ?? entries.at(-1)!.metrics.train_steps_per_second;
  const facts: [string, string][] = [
    ['Step', maxSteps ? `${integer(step)} of ${integer(maxSteps)}` : integer(step)],
    ['Epoch', epoch === null ? '–' : epoch.toFixed(2)],
    ['Loss', loss.length > 0 ? short(loss.at(-1)!.y) : '–'],
    ['Learning rate', rate.length > 0 ? short(rate.at(-1)!.y) : '–'],
    ['Speed', pace === undefined ? '–' : `${short(pace, 3)} steps/s`],
  ];
  if (maxSteps && pace) facts.push(['Left', duration(Math.max(0, maxSteps - step) / pace)]);
  return (
    <dl class="facts facts-wide">
      {facts.map(([name, value]) => (
        <div key={name} class="fact">
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
