import * as tf from '@tensorflow/tfjs';
import { InputError, ShapeError } from '@weft/errors';
import { closeTo, expectClose, seededRandom } from '@weft/testing';
import { describe, expect, it } from 'vitest';
import { beamAttention, hasBeamAttention, scaledDotProductAttention, topTokens } from '../index.js';

const random = seededRandom(3);
const normal = (...shape: number[]): tf.Tensor =>
  tf.tensor(
    Array.from({ length: shape.reduce((a, b) => a * b) }, () => random() * 4 - 2),
    shape,
  );

describe('topTokens', () => {
  it('gives what sorting all log-probabilities gives', () => {
    tf.tidy(() => {
      const logits = normal(3, 40);
      const { tokens, logProbabilities } = topTokens(logits, 5);
      const rows = tf.logSoftmax(logits).arraySync() as number[][];
      const sorted = rows.map((row) =>
        row.map((score, i) => [score, i] as const).sort((a, b) => b[0] - a[0]),
      );
      expect([...tokens]).toEqual(sorted.flatMap((row) => row.slice(0, 5).map(([, i]) => i)));
      const wanted = sorted.flatMap((row) => row.slice(0, 5).map(([score]) => score));
      expectClose(logProbabilities, wanted, closeTo.ops, 'log-probabilities');
      expect(topTokens(tf.tensor2d([[1, 3, 3, 2]]), 3).tokens.join()).toBe('1,2,3');
    });
  });

  it('refuses what it cannot give', () => {
    tf.tidy(() => {
      expect(() => topTokens(tf.zeros([2]), 1)).toThrow(ShapeError);
      for (const count of [0, 5, 1.5]) expect(() => topTokens(tf.zeros([2, 4]), count)).toThrow(InputError);
    });
  });
});

describe('beamAttention', () => {
  it.skipIf(!hasBeamAttention())('gives what attention over moved rows gives', () => {
    tf.tidy(() => {
      const [held, capacity, keyLength] = [4, 9, 7];
      const [key, value, query] = [normal(held, capacity, 12), normal(held, capacity, 12), normal(3, 1, 12)];
      const table = [
        [0, 0, 1, 2, 3, 0, 1],
        [1, 1, 1, 1, 2, 2, 2],
        [3, 2, 1, 0, 3, 2, 1],
      ];
      const rows = tf.tensor2d(table, undefined, 'int32');
      const moved = (x: tf.Tensor): tf.Tensor => {
        const all = x.arraySync() as number[][][];
        return tf.tensor(table.map((row) => row.map((r, t) => all[r]![t]!)));
      };
      const bias = normal(1, 3, 1, keyLength);
      const shared = { query, bias, numHeads: 3, scale: 0.7 };
      const got = beamAttention({ ...shared, key, value, rows, keyLength });
      const wanted = scaledDotProductAttention({ ...shared, key: moved(key), value: moved(value) });
      expectClose(got.dataSync(), wanted.dataSync(), closeTo.ops);
      const wrong = tf.tensor2d([[0, 4, 0, 0, 0, 0, 0], table[0]!, table[1]!], undefined, 'int32');
      expect(() => beamAttention({ ...shared, key, value, rows: wrong, keyLength })).toThrow(InputError);
      expect(() => beamAttention({ ...shared, key, value, rows, keyLength: 6 })).toThrow(ShapeError);
    });
  });
});
