import type { JSX } from 'preact';

export function Slider({
  label,
  value,
  shown,
  onChange,
  ...range
}: {
  label: string;
  value: number;
  /** The value in words. */
  shown: string;
  min: number;
  max: number;
  step: number;
  onChange: (value: number) => void;
}): JSX.Element {
  return (
    <label class="field slider">
      <span class="field-label">
        {label} <span class="slider-value">{shown}</span>
      </span>
      <input
        type="range"
        {...range}
        value={value}
        aria-valuetext={shown}
        onInput={(event) => onChange(event.currentTarget.valueAsNumber)}
      />
    </label>
  );
}

/** Texts to begin with, for whoever has none at hand. */
export function Examples({ texts }: { texts: { name: string; pick: () => void }[] }): JSX.Element {
  return (
    <div class="examples">
      <span class="field-label">Examples</span>
      {texts.map(({ name, pick }) => (
        <button key={name} type="button" class="pill" onClick={pick}>
          {name}
        </button>
      ))}
    </div>
  );
}
