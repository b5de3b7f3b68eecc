const percentFormat = (digits: number): Intl.NumberFormat =>
  new Intl.NumberFormat('en', { style: 'percent', maximumFractionDigits: digits });
const whole = percentFormat(0);
const tenth = percentFormat(1);

/** A probability for people: 34 %, 0.4 %, under 0.1 %. */
export function percent(probability: number): string {
  if (Number.isNaN(probability)) return '–';
  if (probability > 0 && probability < 0.001) return '< 0.1%';
  if (probability < 0.1 || (probability > 0.99 && probability < 1)) return tenth.format(probability);
  return whole.format(probability);
}

/** 124_439_808 -> "124M". */
export const compact = (count: number): string =>
  new Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 3 }).format(count);

export const integer = (count: number): string => new Intl.NumberFormat('en').format(count);

/** A measured value in few digits: 2.308, 0.0005, 3.1e-7. */
export function short(value: number, digits = 4): string {
  if (value === 0 || !Number.isFinite(value)) return Number.isFinite(value) ? '0' : '–';
  const size = Math.abs(value);
  if (size >= 1000) return integer(Math.round(value));
  if (size < 0.0001) return value.toExponential(1);
  return String(Number(value.toPrecision(size < 0.1 ? 2 : digits)));
}

/** Seconds for people: 40 ms, 8 s, 3 min 20 s, 2 h 5 min. */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '–';
  if (seconds < 1) return `${Math.max(1, Math.round(seconds * 1000))} ms`;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const rounded = Math.round(seconds);
  if (rounded < 60) return `${rounded} s`;
  const minutes = Math.floor(rounded / 60);
  if (minutes < 60) return rounded % 60 === 0 ? `${minutes} min` : `${minutes} min ${rounded % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** A token's text with what cannot be seen made visible. */
export const visible = (text: string): string =>
  text.replace(/ /g, '·').replace(/\n/g, '↵').replace(/\t/g, '⇥') || '∅';

/** A token's text as it is spoken by a screen reader. */
export function spoken(text: string): string {
  if (text === '') return 'part of a character';
  if (/^ +$/.test(text)) return 'space';
  if (/^\n+$/.test(text)) return 'line break';
  return text.trim() || 'space';
}

export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${integer(count)} ${count === 1 ? one : many}`;

/** How strongly a weight from 0 to 1 is drawn; small ones are lifted, or most of what is drawn were blank. */
export const shade = (weight: number): number => Math.max(0, Math.min(1, weight)) ** 0.6;
