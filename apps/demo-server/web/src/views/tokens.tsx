import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { type Tokenization, tokenize } from '../lib/api.js';
import { useRemembered, useTask } from '../lib/hooks.js';
import { integer, plural, spoken } from '../lib/words.js';
import { useListbox } from '../parts/listbox.js';
import { ModelPicker, useModelFor } from '../parts/models.js';
import { Pieces } from '../parts/pieces.js';
import { Busy, Empty, Failed, NeedsModel } from '../parts/states.js';

const firstText = 'Weavers’ looms hum: over, under, 1,024 threads — naïve café 🧶 unravelling.';

interface Cut {
  text: string;
  tokenization: Tokenization;
}

export function TokensView(): JSX.Element {
  const choice = useModelFor('tokenize');
  const [text, setText] = useRemembered('tokens', firstText);
  const { task, run, reset } = useTask<Cut>();
  const model = choice.chosen?.state === 'loading' ? undefined : choice.chosen?.id;

  const ask = (): void =>
    run(async (signal) => ({ text, tokenization: await tokenize(model!, text, signal) }));
  // Asked anew for another text or model alone.
  useEffect(() => {
    if (model === undefined) return;
    if (text === '') return reset();
    const timer = setTimeout(ask, 150); // not for every key
    return () => clearTimeout(timer);
  }, [text, model]);

  const shown = task.state === 'done' ? task.value : 'previous' in task ? task.previous : undefined;
  return (
    <NeedsModel choice={choice} work="has a tokenizer">
      <ModelPicker choice={choice} />
      <div class="ask">
        <label class="field">
          <span class="field-label">Text</span>
          <textarea rows={3} value={text} onInput={(event) => setText(event.currentTarget.value)} />
        </label>
      </div>
      {task.state === 'failed' && <Failed failure={task.failure} onRetry={ask} />}
      {task.state === 'busy' && !shown && <Busy>Cutting the text</Busy>}
      {text === '' ? (
        <div class="sheet">
          <Empty title="No text">
            <p>Type something above: it is cut as you type.</p>
          </Empty>
        </div>
      ) : (
        shown && <Cuts cut={shown} />
      )}
    </NeedsModel>
  );
}

function Cuts({ cut }: { cut: Cut }): JSX.Element {
  const { text, tokenization } = cut;
  const { tokens, model, vocabSize } = tokenization;
  const inText = tokens.filter(({ special, start, end }) => !special || end > start);
  const list = useListbox('cut', inText.length, 'Tokens of the text');
  const active = inText[list.active];
  return (
    <section aria-label="Result">
      <div class="sheet">
        <Pieces
          text={text}
          list={list}
          pieces={inText.map((token, index) => ({
            ...token,
            label: `${spoken(token.text)}, number ${token.id}`,
            class: index % 2 === 0 ? 'token-even' : 'token-odd',
          }))}
        />
        <dl class="facts" aria-label="Counts">
          <Fact name="Tokens" value={integer(tokens.length)} />
          <Fact name="Characters" value={integer([...text].length)} />
          <Fact
            name="Characters a token"
            value={inText.length === 0 ? '–' : ([...text].length / inText.length).toFixed(1)}
          />
          <Fact name="Vocabulary" value={integer(vocabSize)} />
        </dl>
        <p class="answered" role="status">
          <span>
            Cut by the tokenizer of <strong>{model}</strong> into {plural(tokens.length, 'token')}
          </span>
        </p>
      </div>
      <ol class="ids" aria-label="Tokens with their numbers">
        {tokens.map((token, index) => (
          <li
            key={index}
            class={`id ${token.special ? 'id-special' : ''}`}
            {...(token === active ? { 'data-active': '' } : {})}
          >
            <span class="id-token">{token.token}</span>
            <span class="id-number">{token.id}</span>
          </li>
        ))}
      </ol>
    </section>
  );
}

const Fact = ({ name, value }: { name: string; value: string }): JSX.Element => (
  <div class="fact">
    <dt>{name}</dt>
    <dd>{value}</dd>
  </div>
);
