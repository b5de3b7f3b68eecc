import type { Calibration } from '@weft/trainer';
import { scaleLinear } from 'd3-scale';
import { element, faint, ink, label, palette, picture } from './svg.js';

const size = { width: 480, height: 480 };
const margin = { top: 44, right: 24, bottom: 50, left: 60 };

/** Share that is right against confidence; on the diagonal a classifier is as right as it is sure. */
export function reliabilityChart({ bins, expectedCalibrationError }: Calibration): string {
  const x = scaleLinear([0, 1], [margin.left, size.width - margin.right]);
  const y = scaleLinear([0, 1], [size.height - margin.bottom, margin.top]);
  const most = Math.max(1, ...bins.map(({ count }) => count));
  const bars = bins
    .filter(({ count }) => count > 0)
    .map(({ from, to, accuracy, count }) =>
      element('rect', {
        x: x(from) + 1,
        width: x(to) - x(from) - 2,
        y: y(accuracy),
        height: y(0) - y(accuracy),
        fill: palette[0],
        // Paler where few predictions stand behind a bar.
        'fill-opacity': 0.25 + 0.75 * Math.sqrt(count / most),
      }),
    );
  const counts = bins
    .filter(({ count }) => count > 0)
    .map(({ from, to, accuracy, count }) =>
      label(String(count), {
        x: x((from + to) / 2),
        y: y(accuracy) - 4,
        'text-anchor': 'middle',
        'font-size': 10,
      }),
    );
  const ticks = x
    .ticks(5)
    .flatMap((tick) => [
      element('line', { x1: x(0), x2: x(1), y1: y(tick), y2: y(tick), stroke: faint }),
      label(String(tick), { x: x(tick), y: y(0) + 18, 'text-anchor': 'middle' }),
      label(String(tick), { x: x(0) - 8, y: y(tick) + 4, 'text-anchor': 'end' }),
    ]);
  return picture(
    size.width,
    size.height,
    `Reliability: expected calibration error ${(100 * expectedCalibrationError).toFixed(1)} %`,
    ...ticks,
    ...bars,
    ...counts,
    element('line', { x1: x(0), y1: y(0), x2: x(1), y2: y(1), stroke: ink, 'stroke-dasharray': '5 4' }),
    label('confidence', { x: x(0.5), y: size.height - 10, 'text-anchor': 'middle' }),
    label('share that is right', {
      transform: `translate(16 ${y(0.5)}) rotate(-90)`,
      'text-anchor': 'middle',
    }),
  );
}
