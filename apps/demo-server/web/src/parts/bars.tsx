import type { JSX } from 'preact';
import { percent } from '../lib/words.js';

export interface Bar {
  name: string;
  value: number;
  marked?: boolean;
  onChoose?: (() => void) | undefined;
  /** How the name is spoken, where it differs from how it is written. */
  spoken?: string;
}

/** Shares of one whole, as bars with their percentages. */
export function Bars({ bars, label, mono }: { bars: Bar[]; label: string; mono?: boolean }): JSX.Element {
  return (
    <ul class={mono ? 'bars bars-mono' : 'bars'} aria-label={label}>
      {bars.map((bar, index) => (
        <li key={`${index} ${bar.name}`} class={bar.marked ? 'bar bar-marked' : 'bar'}>
          <BarFace bar={bar} />
        </li>
      ))}
    </ul>
  );
}

function BarFace({ bar }: { bar: Bar }): JSX.Element {
  const inside = (
    <>
      <span class="bar-name" {...(bar.spoken === undefined ? {} : { 'aria-hidden': true })}>
        {bar.name}
      </span>
      {bar.spoken !== undefined && <span class="hidden">{bar.spoken}</span>}
      <span class="bar-value">{percent(bar.value)}</span>
      <span class="bar-track" aria-hidden="true">
        <span class="bar-fill" style={{ width: `${(100 * bar.value).toFixed(2)}%` }} />
      </span>
    </>
  );
  if (!bar.onChoose) return <div class="bar-face">{inside}</div>;
  return (
    <button type="button" class="bar-face" onClick={bar.onChoose}>
      {inside}
    </button>
  );
}
