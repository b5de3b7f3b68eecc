import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { type Attentions, attend, type Piece } from '../lib/api.js';
import { useRemembered, useTask } from '../lib/hooks.js';
import { percent, visible } from '../lib/words.js';
import { AttentionLines, lookedAt } from '../parts/attention-lines.js';
import { Bars } from '../parts/bars.js';
import { type Head, HeadGrid } from '../parts/head-grid.js';
import { type Cell, HeatMap } from '../parts/heat-map.js';
import { useListbox } from '../parts/listbox.js';
import { ModelPicker, useModelFor } from '../parts/models.js';
import { AnsweredBy, Busy, Empty, Failed, NeedsModel } from '../parts/states.js';

const firstText = 'The thread went over the loom because it was long.';

interface Looked {
  attentions: Attentions;
  text: string;
}

/** A token as the text has it; one that stands for nothing in the text, as the vocabulary has it. */
const nameOf = ({ token, start, end }: Piece, text: string): string => {
  const written = text.slice(start, end);
  return written.trim() || (written === '' ? token : visible(written));
};

export function AttentionView(): JSX.Element {
  const choice = useModelFor('attention');
  const [text, setText] = useRemembered('attended', firstText);
  const { task, run } = useTask<Looked>();
  const ask = (): void =>
    run(async (signal) => ({ attentions: await attend(choice.chosen!.id, text, signal), text }));
  const submit = (event: Event): void => {
    event.preventDefault();
    ask();
  };
  return (
    <NeedsModel choice={choice} work="shows its attention">
      <ModelPicker choice={choice} />
      <form class="ask ask-line" onSubmit={submit}>
        <label class="field">
          <span class="field-label">Text</span>
          <textarea rows={2} required value={text} onInput={(event) => setText(event.currentTarget.value)} />
        </label>
        <button type="submit" class="button button-main">
          Look
        </button>
      </form>
      {task.state === 'failed' && <Failed failure={task.failure} onRetry={ask} />}
      {task.state === 'busy' && <Busy>Running the text through the model</Busy>}
      {task.state === 'idle' && (
        <div class="sheet">
          <Empty title="Nothing looked at yet">
            <p>Press Look. A short sentence shows the most.</p>
          </Empty>
        </div>
      )}
      {task.state === 'done' && <Looks looked={task.value} seconds={task.seconds} />}
    </NeedsModel>
  );
}

function Looks({ looked: { attentions, text }, seconds }: { looked: Looked; seconds: number }): JSX.Element {
  const { layers, heads, causal, model, random } = attentions;
  const names = attentions.tokens.map((token) => nameOf(token, text));
  const [wanted, choose] = useRemembered<Head>('head', { layer: 0, head: 0 });
  const [cell, setCell] = useState<Cell>();
  const shown = { layer: Math.min(wanted.layer, layers - 1), head: Math.min(wanted.head, heads - 1) };
  const weights = attentions.attentions[shown.layer]![shown.head]!;
  const list = useListbox('looking', names.length, 'Tokens that look');
  const active = cell?.from ?? list.active;
  const pointed = { ...list, active };
  return (
    <section class="looks" aria-label="Result">
      <div class="sheet looks-lines">
        <h2>
          Layer {shown.layer + 1}, head {shown.head + 1}
        </h2>
        <p class="hint">Left looks, right is looked at{causal ? '; this model looks only back' : ''}.</p>
        <AttentionLines names={names} weights={weights} list={pointed} />
        <LooksAt names={names} weights={weights} active={active} />
        <AnsweredBy model={model} random={random} seconds={seconds} />
      </div>
      <div class="sheet looks-heat">
        <h2>Heat map</h2>
        <HeatMap names={names} weights={weights} active={active} onPoint={setCell} />
        <p class="hint heat-told">
          {cell ? (
            <>
              <span class="chip">{names[cell.from]}</span> looks at <span class="chip">{names[cell.to]}</span>{' '}
              with {percent(weights[cell.from]![cell.to]!)}
            </>
          ) : (
            'Rows look, columns are looked at. Point at a cell.'
          )}
        </p>
      </div>
      <div class="sheet looks-heads">
        <h2>All heads</h2>
        <p class="hint">A row a layer, a column a head. Choose one, or walk with the arrow keys.</p>
        <HeadGrid attentions={attentions.attentions} chosen={shown} onChoose={choose} />
      </div>
    </section>
  );
}

/** What one token looks at most, as bars. */
function LooksAt({
  names,
  weights,
  active,
}: {
  names: string[];
  weights: number[][];
  active: number;
}): JSX.Element {
  if (active < 0) return <p class="hint looks-at">Point at a token on the left, or go there with Tab.</p>;
  const name = names[active]!;
  return (
    <div class="looks-at">
      <p class="hint">
        <span class="chip">{name}</span> looks most at
      </p>
      <Bars
        label={`What ${name} looks at most`}
        mono
        bars={lookedAt(names, weights[active]!, 4).map(({ name: each, weight }) => ({
          name: each,
          value: weight,
        }))}
      />
    </div>
  );
}
