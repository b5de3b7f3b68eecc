import { type ScaleLinear, type ScaleLogarithmic, scaleLinear, scaleLog } from 'd3-scale';
import { line } from 'd3-shape';
import { element, faint, label, palette, picture } from './svg.js';

export interface Series {
  name: string;
  points: readonly (readonly [x: number, y: number])[];
}

export interface LineChart {
  title: string;
  xLabel: string;
  yLabel: string;
  series: readonly Series[];
  /** Begin at 0, for what is a share of something; else the axis is as the values have it. */
  fromZero?: boolean;
}

const size = { width: 720, height: 400 };
const margin = { top: 44, right: 24, bottom: 46, left: 70 };

type Scale = ScaleLinear<number, number> | ScaleLogarithmic<number, number>;

/** Lines over one axis, as SVG text; points that are not finite are gaps. */
export function lineChart({ title, xLabel, yLabel, series, fromZero = false }: LineChart): string {
  const finite = series.flatMap(({ points }) => points.filter((point) => point.every(Number.isFinite)));
  const x = scaleLinear(extent(finite.map(([value]) => value)), [margin.left, size.width - margin.right]);
  const values = finite.map(([, value]) => value);
  const y = verticalScale(fromZero ? [0, ...values] : values);
  return picture(
    size.width,
    size.height,
    title,
    ...grid(x, y),
    label(xLabel, {
      x: (margin.left + size.width - margin.right) / 2,
      y: size.height - 10,
      'text-anchor': 'middle',
    }),
    label(yLabel, { transform: `translate(16 ${size.height / 2}) rotate(-90)`, 'text-anchor': 'middle' }),
    ...series.flatMap(({ points }, i) => drawn(points, x, y, palette[i % palette.length]!)),
    ...legend(series),
  );
}

/** From the least to the greatest; one value alone gets room around it. */
function extent(values: readonly number[]): [number, number] {
  if (values.length === 0) return [0, 1];
  const least = values.reduce((a, b) => Math.min(a, b));
  const most = values.reduce((a, b) => Math.max(a, b));
  return least === most
    ? [least - (Math.abs(least) || 1) / 2, most + (Math.abs(most) || 1) / 2]
    : [least, most];
}

/** Logarithmic where values span more than two powers of ten. */
function verticalScale(values: readonly number[]): Scale {
  const domain = extent(values);
  const range = [size.height - margin.bottom, margin.top];
  if (domain[0] > 0 && domain[1] / domain[0] > 100) return scaleLog(domain, range).nice();
  return scaleLinear(domain, range).nice();
}

function grid(x: Scale, y: Scale): string[] {
  const [left, right] = [margin.left, size.width - margin.right];
  const bottom = size.height - margin.bottom;
  const format = { x: x.tickFormat(8), y: shortly(y.tickFormat(6)) };
  return [
    ...y
      .ticks(6)
      .map((tick) => element('line', { x1: left, x2: right, y1: y(tick), y2: y(tick), stroke: faint })),
    ...y.ticks(6).map((tick) => label(format.y(tick), { x: left - 8, y: y(tick) + 4, 'text-anchor': 'end' })),
    ...x
      .ticks(8)
      .map((tick) => label(format.x(tick), { x: x(tick), y: bottom + 18, 'text-anchor': 'middle' })),
    element('line', { x1: left, x2: right, y1: bottom, y2: bottom, stroke: 'currentColor' }),
  ];
}

/** Small numbers by their power of ten, as people write rates: 5e-4. Ticks that go unnamed stay so. */
const shortly =
  (format: (tick: number) => string) =>
  (tick: number): string => {
    if (tick === 0) return '0';
    const small = Math.abs(tick) < 0.001 && format(tick) !== '';
    return small ? Number(tick.toPrecision(3)).toExponential() : format(tick);
  };

function drawn(points: Series['points'], x: Scale, y: Scale, stroke: string): string[] {
  const path = line<readonly [number, number]>()
    .defined((point) => point.every(Number.isFinite))
    .x(([value]) => x(value))
    .y(([, value]) => y(value))
    .digits(2)(points);
  const parts = path ? [element('path', { d: path, fill: 'none', stroke, 'stroke-width': 2 })] : [];
  // A few points are marked, so that one alone is seen.
  if (points.length <= 30) {
    for (const [a, b] of points)
      if (Number.isFinite(a) && Number.isFinite(b))
        parts.push(element('circle', { cx: x(a), cy: y(b), r: 3, fill: stroke }));
  }
  return parts;
}

function legend(series: readonly Series[]): string[] {
  if (series.length < 2) return [];
  let x = size.width - margin.right;
  return series
    .map(({ name }, i) => ({ name, fill: palette[i % palette.length]! }))
    .reverse()
    .flatMap(({ name, fill }) => {
      x -= 7 * name.length + 34;
      return [element('rect', { x, y: 14, width: 12, height: 12, fill }), label(name, { x: x + 18, y: 24 })];
    });
}
