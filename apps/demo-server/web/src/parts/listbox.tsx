import type { HTMLAttributes } from 'preact';
import { useEffect, useState } from 'preact/hooks';

export interface Listbox {
  /** What is shown: the option under the pointer, else the chosen one, else -1. */
  active: number;
  /** What was chosen by click, tap or key; -1 for none. */
  selected: number;
  select: (index: number) => void;
  /** For the element with role listbox. */
  container: Omit<HTMLAttributes<HTMLElement>, 'ref'>;
  /** For the option at an index, and how it is spoken. */
  option: (index: number, label: string) => Omit<HTMLAttributes<HTMLElement>, 'ref'>;
}

const steps: Record<string, number> = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 };

/**
 * A row of pieces of text as one listbox: one stop of the Tab key, arrows from piece to piece, Escape lets go.
 * A thousand tokens would else be a thousand stops.
 */
export function useListbox(id: string, count: number, name: string): Listbox {
  const [selected, setSelected] = useState(-1);
  const [hovered, setHovered] = useState(-1);
  const kept = selected < count ? selected : -1;
  const over = hovered < count ? hovered : -1;

  // By keyboard the next piece may lie beyond the edge; on a phone what opens may cover the one that was tapped.
  useEffect(() => {
    document.getElementById(`${id}-${kept}`)?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }, [id, kept]);

  const move = (event: KeyboardEvent): void => {
    const step = steps[event.key];
    const ends = { Home: 0, End: count - 1, Escape: -1 }[event.key];
    if ((step === undefined && ends === undefined) || count === 0) return;
    event.preventDefault();
    setHovered(-1);
    setSelected(ends ?? Math.min(count - 1, Math.max(0, kept + step!)));
  };

  return {
    active: over >= 0 ? over : kept,
    selected: kept,
    select: setSelected,
    container: {
      id,
      role: 'listbox',
      tabIndex: 0,
      'aria-label': name,
      ...(kept >= 0 ? { 'aria-activedescendant': `${id}-${kept}` } : {}),
      onKeyDown: move,
      onFocus: (event: FocusEvent) => {
        // A finger or a mouse focuses too, but chooses by its click.
        const byKey = (event.currentTarget as HTMLElement).matches(':focus-visible');
        if (byKey && kept < 0 && count > 0) setSelected(0);
      },
      onPointerLeave: () => setHovered(-1),
    },
    option: (index, label) => ({
      id: `${id}-${index}`,
      role: 'option',
      'aria-label': label,
      'aria-selected': index === kept,
      'data-active': index === (over >= 0 ? over : kept) ? '' : undefined,
      onPointerEnter: (event: PointerEvent) => {
        if (event.pointerType !== 'touch') setHovered(index);
      },
      onClick: () => setSelected(index),
    }),
  };
}
