import { linkHorizontal } from 'd3-shape';
import type { JSX } from 'preact';
import { percent, shade, spoken } from '../lib/words.js';
import type { Listbox } from './listbox.js';

const rowHeight = 28; // also --row in attention.css
const width = 100;
/** Lines fainter than this are not drawn: they cannot be seen and there are many. */
const faintest = 0.02;

const link = linkHorizontal<{ from: number; to: number }, [number, number]>()
  .source(({ from }) => [0, (from + 0.5) * rowHeight])
  .target(({ to }) => [width, (to + 0.5) * rowHeight]);

/** Tokens twice, side by side, and between them a line for each weight. */
export function AttentionLines({
  names,
  weights,
  list,
}: {
  names: string[];
  weights: number[][];
  list: Listbox;
}): JSX.Element {
  const { active } = list;
  const height = names.length * rowHeight;
  return (
    <div class="lines">
      <div {...list.container} class="lines-tokens lines-from">
        {names.map((name, index) => (
          <span key={index} {...list.option(index, told(names, weights, index))} class="lines-token">
            {name}
          </span>
        ))}
      </div>
      <svg
        class="lines-drawing"
        viewBox={`0 0 ${width} ${height}`}
        preserveAspectRatio="none"
        style={{ height: `${height}px` }}
        aria-hidden="true"
      >
        {weights.map((row, from) =>
          row.map((weight, to) =>
            weight < faintest || (active >= 0 && active !== from) ? null : (
              <path
                key={`${from} ${to}`}
                d={link({ from, to })!}
                style={{ opacity: shade(weight) * (active >= 0 ? 1 : 0.7), strokeWidth: 1 + 2.5 * weight }}
              />
            ),
          ),
        )}
      </svg>
      <div class="lines-tokens lines-to" aria-hidden="true">
        {names.map((name, index) => (
          <span
            key={index}
            class="lines-token"
            style={active >= 0 ? { '--weight': shade(weights[active]![index]!).toFixed(3) } : {}}
          >
            {name}
          </span>
        ))}
      </div>
    </div>
  );
}

/** The tokens that one token looks at most, the most first. */
export const lookedAt = (names: string[], row: number[], count: number): { name: string; weight: number }[] =>
  row
    .map((weight, index) => ({ name: names[index]!, weight }))
    .sort((a, b) => b.weight - a.weight)
    .slice(0, count);

function told(names: string[], weights: number[][], index: number): string {
  const most = lookedAt(names, weights[index]!, 3)
    .map(({ name, weight }) => `${spoken(name)} ${percent(weight)}`)
    .join(', ');
  return `${spoken(names[index]!)} looks at ${most}`;
}
