import { expect, it } from 'vitest';
import { duration, percent, short, spoken, visible } from './words.js';

it.each([
  [0.5, '50%'],
  [0.034, '3.4%'],
  [0.999, '99.9%'],
  [1, '100%'],
  [0, '0%'],
  [0.0001, '< 0.1%'],
  [Number.NaN, '–'],
])('%s as a share is %s', (share, words) => {
  expect(percent(share)).toBe(words);
});

it.each([
  [2.30851, '2.309'],
  [0.0005, '0.0005'],
  [3.14e-7, '3.1e-7'],
  [12345.6, '12,346'],
  [0, '0'],
  [Number.POSITIVE_INFINITY, '–'],
])('%s in few digits is %s', (value, words) => {
  expect(short(value)).toBe(words);
});

it.each([
  [0, '1 ms'],
  [0.24, '240 ms'],
  [2.24, '2.2 s'],
  [59.7, '1 min'],
  [200, '3 min 20 s'],
  [7500, '2 h 5 min'],
])('%s seconds are %s', (seconds, words) => {
  expect(duration(seconds)).toBe(words);
});

it('makes spaces visible and speakable', () => {
  expect(visible(' a\n')).toBe('·a↵');
  expect(visible('')).toBe('∅');
  expect(spoken(' a')).toBe('a');
  expect(spoken('\n\n')).toBe('line break');
  expect(spoken('  ')).toBe('space');
});
