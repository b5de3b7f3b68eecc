import type { JSX } from 'preact';
import { useRef } from 'preact/hooks';
import { HeatCanvas } from './heat-map.js';

export interface Head {
  layer: number;
  head: number;
}

const moves: Record<string, [number, number]> = {
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
};

const clamp = (value: number, count: number): number => Math.min(count - 1, Math.max(0, value));

/** Every head of every layer as a small heat map: an overview, and the choice of the one shown large. */
export function HeadGrid({
  attentions,
  chosen,
  onChoose,
}: {
  attentions: number[][][][];
  chosen: Head;
  onChoose: (head: Head) => void;
}): JSX.Element {
  const grid = useRef<HTMLDivElement>(null);
  const layers = attentions.length;
  const heads = attentions[0]!.length;
  const move = (event: KeyboardEvent): void => {
    const by = moves[event.key];
    if (!by) return;
    event.preventDefault();
    const layer = clamp(chosen.layer + by[0], layers);
    const head = clamp(chosen.head + by[1], heads);
    onChoose({ layer, head });
    grid.current?.querySelector<HTMLElement>(`[data-place="${layer}-${head}"]`)?.focus();
  };
  return (
    <div
      ref={grid}
      class="heads"
      role="radiogroup"
      aria-label="Layer and head"
      style={{ '--heads': String(heads) }}
      onKeyDown={move}
    >
      {attentions.map((ofLayer, layer) => (
        <div key={layer} class="heads-layer" role="presentation">
          <span class="heads-name" aria-hidden="true">
            {layer + 1}
          </span>
          {ofLayer.map((weights, head) => {
            const isChosen = layer === chosen.layer && head === chosen.head;
            return (
              // biome-ignore lint/a11y/useSemanticElements: arrows move in two directions, which inputs do not
              <button
                key={head}
                type="button"
                role="radio"
                class="head"
                data-place={`${layer}-${head}`}
                aria-checked={isChosen}
                tabIndex={isChosen ? 0 : -1}
                aria-label={`Layer ${layer + 1}, head ${head + 1}`}
                title={`Layer ${layer + 1}, head ${head + 1}`}
                onClick={() => onChoose({ layer, head })}
              >
                <HeatCanvas weights={weights} />
              </button>
            );
          })}
        </div>
      ))}
    </div>
  );
}
