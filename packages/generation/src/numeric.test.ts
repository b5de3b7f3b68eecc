import { seededRandom } from '@weft/testing';
import { describe, expect, it } from 'vitest';
import {
  argMax,
  expNegative,
  kthLargest,
  logSoftmax,
  logSumExp,
  softmax,
  topIndices,
  weightedQuantile,
} from './numeric.js';

const random = seededRandom(4);

/** Few different values, so that many are equal. */
function scoresOf(length: number, values = 1000): Float32Array {
  return Float32Array.from({ length }, () => Math.floor(random() * values) / 100 - 5);
}

describe('expNegative', () => {
  it('has twelve digits', () => {
    for (let x = 0; x > -99; x -= random() * 0.01) {
      expect(Math.abs(expNegative(x) / Math.exp(x) - 1)).toBeLessThan(2e-12);
    }
  });

  it('is 1 at 0, and 0 where nothing is left', () => {
    expect(expNegative(0)).toBe(1);
    for (const x of [-101, -1e30, Number.NEGATIVE_INFINITY, Number.NaN]) expect(expNegative(x)).toBe(0);
  });
});

describe('sums over the vocabulary', () => {
  it('are those of the definition, minus infinity counting nothing', () => {
    const scores = scoresOf(500);
    scores[7] = Number.NEGATIVE_INFINITY;
    const expected = Math.log([...scores].reduce((sum, score) => sum + Math.exp(score), 0));
    expect(logSumExp(scores)).toBeCloseTo(expected, 10);
    const probabilities = scores.slice();
    softmax(probabilities);
    const logs = scores.slice();
    logSoftmax(logs);
    for (const [i, score] of scores.entries()) {
      expect(probabilities[i]).toBeCloseTo(Math.exp(score - expected), 7);
      if (i !== 7) expect(logs[i]).toBeCloseTo(score - expected, 5);
    }
    expect(logs[7]).toBe(Number.NEGATIVE_INFINITY);
  });

  it('know what to do when all is forbidden', () => {
    const nothing = new Float32Array(3).fill(Number.NEGATIVE_INFINITY);
    expect(logSumExp(nothing)).toBe(Number.NEGATIVE_INFINITY);
    logSoftmax(nothing);
    expect([...nothing]).toEqual([...new Float32Array(3).fill(Number.NEGATIVE_INFINITY)]);
  });
});

describe('selection agrees with sorting', () => {
  it.each([1, 2, 5, 50, 300])('of the %i highest', (k) => {
    for (const values of [3, 40, 100_000]) {
      const scores = scoresOf(300, values);
      const order = [...scores.keys()].sort((a, b) => scores[b]! - scores[a]! || a - b);
      expect(topIndices(scores, k)).toEqual(order.slice(0, k));
      expect(kthLargest(scores, k)).toBe(scores[order[k - 1]!]);
      expect(argMax(scores)).toBe(order[0]);
    }
  });

  it('leaves what is forbidden out', () => {
    const scores = Float32Array.from([Number.NEGATIVE_INFINITY, 2, Number.NEGATIVE_INFINITY, 3, Number.NaN]);
    expect(topIndices(scores, 4)).toEqual([3, 1]);
  });

  it('of where weights add up', () => {
    for (let round = 0; round < 200; round++) {
      const length = 1 + Math.floor(random() * (round % 10 ? 60 : 5000));
      const keys = Float64Array.from(scoresOf(length, round % 2 ? 5 : 1e6));
      const weights = keys.map(() => Math.floor(random() * 10));
      // What was forbidden before lies at one of the ends and weighs nothing.
      for (let i = 0; i < length / 4; i++) {
        const at = Math.floor(random() * length);
        keys[at] = round % 3 ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
        weights[at] = 0;
      }
      const limit = (round % 7 ? random() : 1) * weights.reduce((sum, weight) => sum + weight, 0);
      const order = [...keys.keys()].sort((a, b) => keys[a]! - keys[b]!);
      let sum = 0;
      const at = order.find((i) => {
        sum += weights[i]!;
        return sum > limit;
      });
      const key = keys[at ?? order.at(-1)!]!;
      const found = weightedQuantile(keys, weights, (total) => total > limit);
      expect(found.key).toBe(key);
      if (at === undefined) continue;
      const below = order.filter((i) => keys[i]! < key).reduce((total, i) => total + weights[i]!, 0);
      expect(found.below).toBe(below);
    }
  });
});
