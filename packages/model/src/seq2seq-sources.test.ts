import { describe, expect, it } from 'vitest';
import { partsByLength, Sources } from './seq2seq-sources.js';

describe('partsByLength', () => {
  it('cuts where padding would cost more than a tenth, and leaves like lengths together', () => {
    expect(partsByLength([5, 3, 4])).toEqual([[0, 1, 2]]);
    expect(partsByLength(Array.from({ length: 9 }, () => 7))).toEqual([[0, 1, 2, 3, 4, 5, 6, 7, 8]]);
    expect(partsByLength([40, 10, 41, 11, 40, 10, 42, 10])).toEqual([
      [1, 5, 7, 3],
      [0, 4, 2, 6],
    ]);
  });
});

describe('Sources', () => {
  it('holds a source once for all its rows, and once a row where their numbers differ', () => {
    const sources = new Sources(3);
    expect(sources.reorder([0, 0, 1, 1, 2, 2])).toBeUndefined();
    expect(sources.reorder([1, 0, 3, 3, 4, 5])).toBeUndefined();
    expect(sources.reorder([2, 3, 4, 5])).toEqual([1, 2]);
    expect(sources.batchSize).toBe(4);
    expect(sources.reorder([0, 2, 3])).toEqual([0, 1, 1]);
    expect(sources.reorder([2, 0])).toEqual([1, 0]);
  });
});
