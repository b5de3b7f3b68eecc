import { ticks } from 'd3-array';
import { line } from 'd3-shape';
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { nearest, type Point } from '../lib/training.js';
import { integer, short } from '../lib/words.js';

export interface Series {
  name: string;
  points: Point[];
  look: 'main' | 'faint' | 'dotted';
}

const margin = { top: 8, right: 12, bottom: 24, left: 52 };

interface Frame {
  width: number;
  height: number;
  x: (step: number) => number;
  y: (value: number) => number;
  stepAt: (x: number) => number;
  xTicks: number[];
  yTicks: number[];
}

function frameOf(
  series: Series[],
  width: number,
  height: number,
  lastStep: number,
  fromZero: boolean,
): Frame {
  const points = series.flatMap((each) => each.points);
  const low = points.reduce((least, { y }) => Math.min(least, y), Number.POSITIVE_INFINITY);
  const high = points.reduce((most, { y }) => Math.max(most, y), Number.NEGATIVE_INFINITY);
  const room = high > low ? (high - low) * 0.06 : Math.abs(high) * 0.1 || 1;
  const bottom = fromZero ? 0 : low >= 0 ? Math.max(0, low - room) : low - room;
  const top = fromZero ? high * 1.1 || 1 : high + room;
  const inner = { width: width - margin.left - margin.right, height: height - margin.top - margin.bottom };
  return {
    width,
    height,
    x: (step) => margin.left + (step / lastStep) * inner.width,
    y: (value) => margin.top + (1 - (value - bottom) / (top - bottom)) * inner.height,
    stepAt: (x) => ((x - margin.left) / inner.width) * lastStep,
    xTicks: ticks(0, lastStep, width < 480 ? 3 : 6).filter((tick) => Number.isInteger(tick)),
    yTicks: ticks(bottom, top, 4),
  };
}

function useWidth(): [{ current: HTMLDivElement | null }, number] {
  const element = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const observer = new ResizeObserver(([entry]) => setWidth(entry!.contentRect.width));
    observer.observe(element.current!);
    return () => observer.disconnect();
  }, []);
  return [element, width];
}

/** Lines over the steps of a run. The pointer or the arrow keys move a cursor that all charts share. */
export function LineChart({
  title,
  unit,
  series,
  lastStep,
  cursor,
  onCursor,
  height = 200,
  fromZero = false,
  empty = 'Nothing logged yet.',
}: {
  title: string;
  unit?: string;
  series: Series[];
  lastStep: number;
  cursor: number | undefined;
  onCursor: (step: number | undefined) => void;
  height?: number;
  /** Draws the whole axis, so that a small change looks small. */
  fromZero?: boolean;
  /** What stands in place of a line that has no point yet. */
  empty?: string;
}): JSX.Element {
  const [element, width] = useWidth();
  const main = series.find(({ look }) => look === 'main')!.points;
  const at = nearest(main, cursor ?? Number.POSITIVE_INFINITY);
  const frame = frameOf(series, width, height, Math.max(1, lastStep), fromZero);
  const keys = (event: KeyboardEvent): void => {
    const by = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageUp: 10, PageDown: -10 }[
      event.key
    ];
    const ends = { Home: 0, End: main.length - 1 }[event.key];
    if (event.key === 'Escape') onCursor(undefined);
    if ((by === undefined && ends === undefined) || !at) return;
    event.preventDefault();
    const next = ends ?? Math.min(main.length - 1, Math.max(0, main.indexOf(at) + by!));
    onCursor(main[next]!.x);
  };
  const unitText = unit ? ` ${unit}` : '';
  return (
    <figure class="chart">
      <figcaption>
        <span>{title}</span>
        <Legend series={series} />
        <strong>{at ? `${short(at.y, 3)}${unitText}` : '–'}</strong>
      </figcaption>
      <div
        ref={element}
        class="chart-plot"
        role="slider"
        tabIndex={0}
        aria-label={`${title} by step`}
        aria-valuemin={main[0]?.x ?? 0}
        aria-valuemax={main.at(-1)?.x ?? 0}
        aria-valuenow={at?.x ?? 0}
        aria-valuetext={at ? `step ${integer(at.x)}: ${short(at.y, 3)}${unitText}` : 'no values yet'}
        style={{ height: `${height}px` }}
        onKeyDown={keys}
        onPointerMove={(event) => {
          const { left } = event.currentTarget.getBoundingClientRect();
          onCursor(nearest(main, frame.stepAt(event.clientX - left))?.x);
        }}
        onPointerLeave={() => onCursor(undefined)}
      >
        {main.length === 0 && <p class="chart-empty">{empty}</p>}
        {width > 0 && main.length > 0 && (
          <Plot
            frame={frame}
            series={series}
            at={cursor === undefined ? undefined : at}
            last={main.at(-1)!}
          />
        )}
      </div>
    </figure>
  );
}

function Legend({ series }: { series: Series[] }): JSX.Element | null {
  const others = series.filter(({ points }) => points.length > 0);
  if (others.length < 2) return null;
  return (
    <span class="chart-legend">
      {others.map(({ name, look }) => (
        <span key={name} class={`chart-key chart-key-${look}`}>
          {name}
        </span>
      ))}
    </span>
  );
}

function Plot({
  frame,
  series,
  at,
  last,
}: {
  frame: Frame;
  series: Series[];
  at: Point | undefined;
  last: Point;
}): JSX.Element {
  const { width, height, x, y, xTicks, yTicks } = frame;
  const path = line<Point>()
    .x((point) => x(point.x))
    .y((point) => y(point.y));
  const mark = at ?? last;
  return (
    <svg width={width} height={height} aria-hidden="true">
      {yTicks.map((tick) => (
        <g key={tick} class="chart-tick">
          <line x1={margin.left} x2={width - margin.right} y1={y(tick)} y2={y(tick)} />
          <text x={margin.left - 10} y={y(tick)} dy="0.32em" text-anchor="end">
            {short(tick)}
          </text>
        </g>
      ))}
      {xTicks.map((tick) => (
        <text key={tick} class="chart-step" x={x(tick)} y={height - 4} text-anchor="middle">
          {integer(tick)}
        </text>
      ))}
      {at && (
        <line class="chart-cursor" x1={x(at.x)} x2={x(at.x)} y1={margin.top} y2={height - margin.bottom} />
      )}
      {series.map(({ name, points, look }) => (
        <path key={name} class={`chart-line chart-${look}`} d={path(points) ?? ''} />
      ))}
      {series
        .filter(({ look, points }) => look === 'dotted' && points.length > 0)
        .flatMap(({ points }) => points)
        .map((point) => (
          <circle key={`${point.x}`} class="chart-dot" cx={x(point.x)} cy={y(point.y)} r="3" />
        ))}
      <circle class="chart-mark" cx={x(mark.x)} cy={y(mark.y)} r="4" />
    </svg>
  );
}
