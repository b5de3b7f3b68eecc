import type { JSX } from 'preact';
import type { Writing } from '../lib/generation.js';
import { percent, spoken, visible } from '../lib/words.js';
import { Bars } from './bars.js';

/** What the model weighed where one token stands; each can be taken in its place. */
export function Alternatives({
  token,
  onTake,
  onClose,
}: {
  token: Writing['tokens'][number] | undefined;
  onTake: (alternative: number) => void;
  onClose: () => void;
}): JSX.Element {
  return (
    <aside class={token ? 'aside drawer' : 'aside'} aria-label="Alternatives">
      <h2>{token ? 'Weighed here' : 'Alternatives'}</h2>
      {token && (
        <button type="button" class="drawer-close" onClick={onClose}>
          Close
        </button>
      )}
      {token ? (
        <>
          <p class="aside-text">
            <span class="chip">{visible(token.text)}</span> {token.taken ? 'taken by you' : 'drawn'} at{' '}
            {percent(token.probability)}
          </p>
          <Bars
            label="Likeliest tokens here"
            mono
            bars={token.alternatives.map((each, index) => ({
              name: visible(each.text),
              value: each.probability,
              marked: each.id === token.id,
              spoken: each.id === token.id ? spoken(each.text) : `Write on with ${spoken(each.text)},`,
              ...(each.id === token.id ? {} : { onChoose: () => onTake(index) }),
            }))}
          />
          <p class="hint">Choose one to write on from there.</p>
        </>
      ) : (
        <p class="hint">Point at a token, or go into the text with Tab and along it with the arrow keys.</p>
      )}
    </aside>
  );
}
