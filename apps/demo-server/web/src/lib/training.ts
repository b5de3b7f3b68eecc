import { askEvents, askJson } from './http.js';

/** A training run that the server watches. */
export interface RunCard {
  id: string;
  step: number | null;
  loss: number | null;
  /** Written to in the last half minute. */
  active: boolean;
  maxSteps?: number | null;
}

/** One line of a Trainer's log. */
export interface LogEntry {
  step: number;
  epoch: number | null;
  loss: number | null;
  learningRate: number | null;
  gradNorm: number | null;
  stepsPerSecond: number | null;
  metrics: Record<string, number>;
}

export type RunEvent =
  | { event: 'run'; id: string; maxSteps: number | null }
  | { event: 'history'; entries: LogEntry[] }
  | { event: 'entry'; entry: LogEntry }
  | { event: 'reset' };

export const listRuns = (signal?: AbortSignal): Promise<{ watching: boolean; runs: RunCard[] }> =>
  askJson('training/runs', { signal });

/** Follows a run: first all that its log held, then each new line. Never ends by itself. */
export async function* followRun(run: string, signal: AbortSignal): AsyncGenerator<RunEvent> {
  const path = `training/events?run=${encodeURIComponent(run)}`;
  for await (const { event, data } of askEvents(path, { signal })) {
    if (event === 'run') {
      const { id, maxSteps = null } = data as { id: string; maxSteps?: number | null };
      yield { event, id, maxSteps };
    } else if (event === 'history') yield { event, ...(data as { entries: LogEntry[] }) };
    else if (event === 'entry') yield { event, entry: data as LogEntry };
    else if (event === 'reset') yield { event };
  }
}

/** The log after one more event: lines of the same step are one line, in the order of steps. */
export function afterEvent(entries: LogEntry[], event: RunEvent): LogEntry[] {
  if (event.event === 'run') return entries;
  const after = event.event === 'entry' ? [...entries] : [];
  const added = event.event === 'entry' ? [event.entry] : event.event === 'history' ? event.entries : [];
  for (const entry of added) add(after, entry);
  return after;
}

function add(entries: LogEntry[], entry: LogEntry): void {
  // A run that was resumed writes steps again that it had already logged: the later line counts.
  while (entries.length > 0 && entries.at(-1)!.step > entry.step) entries.pop();
  const last = entries.at(-1);
  if (last?.step === entry.step) entries[entries.length - 1] = merged(last, entry);
  else entries.push(entry);
}

const merged = (first: LogEntry, second: LogEntry): LogEntry => ({
  step: first.step,
  epoch: second.epoch ?? first.epoch,
  loss: second.loss ?? first.loss,
  learningRate: second.learningRate ?? first.learningRate,
  gradNorm: second.gradNorm ?? first.gradNorm,
  stepsPerSecond: second.stepsPerSecond ?? first.stepsPerSecond,
  metrics: { ...first.metrics, ...second.metrics },
});

export interface Point {
  x: number;
  y: number;
}

/** The points of one field of the log, where it was written. */
export const pointsOf = (
  entries: LogEntry[],
  read: (entry: LogEntry) => number | null | undefined,
): Point[] =>
  entries.flatMap((entry) => {
    const y = read(entry);
    return y === null || y === undefined || !Number.isFinite(y) ? [] : [{ x: entry.step, y }];
  });

/** Each point as the mean of its neighbourhood, a fiftieth of the run to either side: smooth, and never late. */
export function smoothed(points: Point[]): Point[] {
  const reach = Math.round(points.length / 50);
  if (reach === 0) return points;
  const sums = [0];
  for (const { y } of points) sums.push(sums.at(-1)! + y);
  return points.map(({ x }, index) => {
    const around = Math.min(reach, index, points.length - 1 - index); // the ends keep their own height
    const total = sums[index + around + 1]! - sums[index - around]!;
    return { x, y: total / (2 * around + 1) };
  });
}

/** The point of a sorted list that lies nearest to a step. */
export function nearest(points: Point[], step: number): Point | undefined {
  let low = 0;
  let high = points.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (points[middle]!.x < step) low = middle + 1;
    else high = middle;
  }
  const before = points[low - 1];
  const after = points[low];
  return before && after && step - before.x < after.x - step ? before : after;
}
