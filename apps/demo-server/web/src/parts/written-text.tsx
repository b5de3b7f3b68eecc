import { Fragment, type JSX } from 'preact';
import type { Writing } from '../lib/generation.js';
import { percent, spoken } from '../lib/words.js';
import type { Listbox } from './listbox.js';

/** How strongly a token is tinted: the less likely it was, the more. */
const doubt = (probability: number): number => (Number.isNaN(probability) ? 0 : Math.sqrt(1 - probability));

/** The prompt and the tokens after it; each token can be pointed at. */
export function WrittenText({ writing, list }: { writing: Writing; list: Listbox }): JSX.Element {
  const { prompt, tokens, state } = writing;
  return (
    <>
      <p class="written">
        <span class="written-prompt">{prompt}</span>
        <span {...list.container} class="written-tokens">
          {tokens.map((token, index) => {
            const [, before = '', body = ''] = /^(\s*)([\s\S]*)$/.exec(token.text)!;
            return (
              <Fragment key={index}>
                {body !== '' && before}
                <span
                  {...list.option(index, `${spoken(token.text)}, ${percent(token.probability)}`)}
                  class={token.taken ? 'token token-taken' : 'token'}
                  style={{ '--doubt': doubt(token.probability).toFixed(3) }}
                >
                  {body === '' ? faceOfSpace(before) : isMark(body) ? `◌${body}` : body}
                </span>
                {body === '' && before.includes('\n') && before}
              </Fragment>
            );
          })}
        </span>
        {state === 'writing' && <span class="caret" aria-hidden="true" />}
      </p>
      <p class="legend">
        <span class="legend-swatch" aria-hidden="true" />
        The stronger the tint, the less the model expected the token.
      </p>
    </>
  );
}

/** Only marks that need a letter to stand on: by themselves they have no width. */
const isMark = (text: string): boolean => /^[\p{M}\p{Cf}\p{Cc}]+$/u.test(text);

/** What stands for a token that cannot be seen: a line break, a space, a part of a character. */
const faceOfSpace = (text: string): string => (text.includes('\n') ? '↵' : text === '' ? '·' : '␣');
