import { scaleLinear } from 'd3-scale';
import { element, label, muted, palette, picture } from './svg.js';

/** Rows are labels, columns predictions; colour by the share of the row. */
export function confusionChart(matrix: readonly (readonly number[])[], names: readonly string[]): string {
  const cell = Math.max(18, Math.min(72, 640 / matrix.length));
  const longest = Math.min(24, Math.max(...names.map(({ length }) => length)));
  const left = 40 + 7 * longest;
  const top = 76;
  const side = cell * matrix.length;
  const color = scaleLinear([0, 1], ['#ffffff', palette[0]]);
  const cut = (name: string): string => (name.length > 24 ? `${name.slice(0, 23)}…` : name);
  const cells = matrix.flatMap((row, i) => {
    const total = row.reduce((sum, count) => sum + count, 0);
    return row.flatMap((count, j) => {
      const share = total === 0 ? 0 : count / total;
      const [x, y] = [left + j * cell, top + i * cell];
      return [
        element('rect', { x, y, width: cell - 1, height: cell - 1, fill: color(share) }),
        label(String(count), {
          x: x + cell / 2,
          y: y + cell / 2 + 4,
          'text-anchor': 'middle',
          'font-size': Math.min(12, cell / 2.6),
          ...(share > 0.55 ? { fill: '#fff' } : {}),
        }),
      ];
    });
  });
  const titles = names.flatMap((name, i) => [
    label(cut(name), { x: left - 8, y: top + i * cell + cell / 2 + 4, 'text-anchor': 'end' }),
    label(cut(name), {
      transform: `translate(${left + i * cell + cell / 2} ${top + side + 14}) rotate(${matrix.length > 6 ? -40 : 0})`,
      'text-anchor': matrix.length > 6 ? 'end' : 'middle',
    }),
  ]);
  return picture(
    Math.max(300, left + side + 24),
    top + side + 60 + (matrix.length > 6 ? 5 * longest : 0),
    'Confusion',
    label('labels down, predictions across', { x: 16, y: 44, fill: muted }),
    ...cells,
    ...titles,
  );
}
