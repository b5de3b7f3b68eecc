import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { shade } from '../lib/words.js';
import { useThemeTick } from './theme-tick.js';

/** The weights of one head as a square of pixels, one a cell; CSS scales it. */
export function HeatCanvas({ weights }: { weights: number[][] }): JSX.Element {
  const canvas = useRef<HTMLCanvasElement>(null);
  const tick = useThemeTick();
  // The theme's tick is a dependency because the accent colour changes with it.
  useEffect(() => {
    const element = canvas.current!;
    const size = weights.length;
    element.width = size;
    element.height = size;
    const context = element.getContext('2d')!;
    context.fillStyle = getComputedStyle(element).color;
    weights.forEach((row, y) => {
      row.forEach((weight, x) => {
        context.globalAlpha = shade(weight);
        context.fillRect(x, y, 1, 1);
      });
    });
  }, [weights, tick]);
  return <canvas ref={canvas} class="heat-canvas" />;
}

export interface Cell {
  from: number;
  to: number;
}

/** One head as a heat map: rows look, columns are looked at. */
export function HeatMap({
  weights,
  names,
  active,
  onPoint,
}: {
  weights: number[][];
  names: string[];
  /** The row that is shown elsewhere too. */
  active: number;
  onPoint: (cell: Cell | undefined) => void;
}): JSX.Element {
  const size = names.length;
  const named = size <= 32; // names smaller than this could not be read
  const point = (event: PointerEvent): void => {
    const { left, top, width, height } = (event.currentTarget as HTMLElement).getBoundingClientRect();
    const to = Math.floor(((event.clientX - left) / width) * size);
    const from = Math.floor(((event.clientY - top) / height) * size);
    if (from >= 0 && from < size && to >= 0 && to < size) onPoint({ from, to });
  };
  return (
    <div
      class={named ? 'heat heat-named' : 'heat'}
      role="img"
      aria-label={`Heat map of ${size} by ${size} attention weights; the list of tokens says the same in words`}
      style={{ '--tokens': String(size) }}
    >
      {named && (
        <div class="heat-columns" aria-hidden="true">
          {names.map((name, index) => (
            <span key={index}>{name}</span>
          ))}
        </div>
      )}
      {named && (
        <div class="heat-rows" aria-hidden="true">
          {names.map((name, index) => (
            <span key={index} data-active={index === active ? '' : undefined}>
              {name}
            </span>
          ))}
        </div>
      )}
      <div
        class="heat-cells"
        onPointerMove={point}
        onPointerDown={point}
        onPointerLeave={() => onPoint(undefined)}
      >
        <HeatCanvas weights={weights} />
        {active >= 0 && <span class="heat-row-mark" style={{ '--row': String(active) }} />}
      </div>
    </div>
  );
}
