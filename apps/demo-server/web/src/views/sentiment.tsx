import type { JSX } from 'preact';
import { type Attribution, attribute } from '../lib/api.js';
import { useRemembered, useTask } from '../lib/hooks.js';
import { percent, shade } from '../lib/words.js';
import { Bars } from '../parts/bars.js';
import { Examples } from '../parts/controls.js';
import { useListbox } from '../parts/listbox.js';
import { ModelPicker, useModelFor } from '../parts/models.js';
import { Pieces } from '../parts/pieces.js';
import { AnsweredBy, Busy, Empty, Failed, NeedsModel } from '../parts/states.js';

const examples = [
  { name: 'Praise', text: 'A warm and clever film, and the ending made me smile all the way home.' },
  { name: 'Blame', text: 'The plot is a mess, the jokes fall flat, and two hours feel like five.' },
  { name: 'In between', text: 'The acting is wonderful, but the story never finds its feet.' },
];

interface Judged {
  text: string;
  attribution: Attribution;
}

export function SentimentView(): JSX.Element {
  const choice = useModelFor('sentiment');
  const [text, setText] = useRemembered('sentiment', examples[2]!.text);
  const { task, run } = useTask<Judged>();
  const ask = (asked: string): void =>
    run(async (signal) => ({
      text: asked,
      attribution: await attribute(choice.chosen!.id, asked, signal),
    }));
  const submit = (event: Event): void => {
    event.preventDefault();
    ask(text);
  };

  return (
    <NeedsModel choice={choice} work="judges texts">
      <ModelPicker choice={choice} />
      <form class="ask" onSubmit={submit}>
        <label class="field">
          <span class="field-label">Text</span>
          <textarea rows={3} required value={text} onInput={(event) => setText(event.currentTarget.value)} />
        </label>
        <div class="row">
          <Examples
            texts={examples.map(({ name, text: each }) => ({
              name,
              pick: () => {
                setText(each);
                ask(each);
              },
            }))}
          />
          <span class="spring" />
          <button type="submit" class="button button-main">
            Judge
          </button>
        </div>
      </form>
      {task.state === 'failed' && <Failed failure={task.failure} onRetry={() => ask(text)} />}
      {task.state === 'busy' && <Busy>Reading the text once for each of its tokens</Busy>}
      {task.state === 'idle' && (
        <div class="sheet">
          <Empty title="Nothing judged yet">
            <p>Press Judge, or begin with one of the examples.</p>
          </Empty>
        </div>
      )}
      {task.state === 'done' && <Judgement judged={task.value} seconds={task.seconds} />}
    </NeedsModel>
  );
}

const side = (attribution: number): string => (attribution >= 0 ? 'for' : 'against');

function Judgement({ judged, seconds }: { judged: Judged; seconds: number }): JSX.Element {
  const { text, attribution } = judged;
  const tokens = attribution.tokens.filter(({ special }) => !special);
  const strongest = Math.max(1e-9, ...tokens.map((token) => Math.abs(token.attribution)));
  const list = useListbox('judged', tokens.length, `Tokens and how they speak for ${attribution.target}`);
  const active = tokens[list.active];
  const [best] = attribution.labels;
  return (
    <section class="stage" aria-label="Result">
      <div class="sheet">
        <Pieces
          text={text}
          list={list}
          pieces={tokens.map((token) => ({
            ...token,
            label: `${token.token}, speaks ${side(token.attribution)}, ${weight(token.attribution)}`,
            class: token.attribution >= 0 ? 'token-for' : 'token-against',
            style: { '--weight': shade(Math.abs(token.attribution) / strongest).toFixed(3) },
          }))}
        />
        <p class="legend">
          <span class="legend-item">
            <span class="legend-swatch legend-for" aria-hidden="true" /> speaks for {attribution.target}
          </span>
          <span class="legend-item">
            <span class="legend-swatch legend-against" aria-hidden="true" /> speaks against it
          </span>
        </p>
        <AnsweredBy model={attribution.model} random={attribution.random} seconds={seconds} />
      </div>
      <aside class="aside" aria-label="Judgement">
        <h2>Judgement</h2>
        <p class="verdict" role="status">
          {best?.label} <span>{best && percent(best.score)}</span>
        </p>
        <Bars
          label="Scores of the labels"
          bars={attribution.labels.map(({ label, score }) => ({
            name: label,
            value: score,
            marked: label === attribution.target,
          }))}
        />
        {active ? (
          <p class="hint">
            <span class="chip">{text.slice(active.start, active.end)}</span> Without it, {attribution.target}{' '}
            would {active.attribution >= 0 ? 'lose' : 'gain'} {weight(active.attribution)}.
          </p>
        ) : (
          <p class="hint">Each token was hidden in turn; its tint is what that changed.</p>
        )}
      </aside>
    </section>
  );
}

/** A change of a score, in points of a hundred. */
const weight = (attribution: number): string => `${(100 * Math.abs(attribution)).toFixed(1)} points`;
