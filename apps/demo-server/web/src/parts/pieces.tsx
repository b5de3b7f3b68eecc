import { type CSSProperties, Fragment, type JSX } from 'preact';
import type { Listbox } from './listbox.js';

export interface TextPiece {
  start: number;
  end: number;
  label: string;
  class?: string;
  style?: CSSProperties;
}

/** A text cut at the offsets of its tokens; what lies between them stays as it is. */
export function Pieces({
  text,
  pieces,
  list,
}: {
  text: string;
  pieces: TextPiece[];
  list: Listbox;
}): JSX.Element {
  let at = 0;
  return (
    <p class="written">
      <span {...list.container} class="written-tokens">
        {pieces.map((piece, index) => {
          const between = text.slice(at, Math.max(at, piece.start));
          const from = Math.max(at, piece.start); // tokens of one character share its offsets
          at = Math.max(at, piece.end);
          return (
            <Fragment key={index}>
              {between}
              <span
                {...list.option(index, piece.label)}
                class={`token ${piece.class ?? ''}`}
                {...(piece.style ? { style: piece.style } : {})}
              >
                {text.slice(from, piece.end) || '\u200b'}
              </span>
            </Fragment>
          );
        })}
      </span>
      {text.slice(at)}
    </p>
  );
}
