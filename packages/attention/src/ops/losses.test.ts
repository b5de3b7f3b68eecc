import * as tf from '@tensorflow/tfjs';
import { InputError, ShapeError } from '@weft/errors';
import { describe, expect, it } from 'vitest';
import { testCases } from '../../test/cases.ts';
import { type CrossEntropyOptions, crossEntropy } from './cross-entropy.js';
import { linearCrossEntropy } from './linear-cross-entropy.js';

const options = ({ ignoreIndex, labelSmoothing, reduction }: Required<CrossEntropyOptions>) => ({
  ignoreIndex,
  labelSmoothing,
  reduction,
});

describe('crossEntropy', () => {
  testCases<Required<CrossEntropyOptions>>('crossEntropy', ({ logits, labels }, attrs) =>
    crossEntropy(logits!, labels!, options(attrs)),
  );

  it('is NaN as a mean and 0 as a sum when no row counts', () => {
    tf.tidy(() => {
      const labels = tf.tensor1d([-100, -100], 'int32');
      expect(crossEntropy(tf.zeros([2, 3]), labels).dataSync()[0]).toBeNaN();
      expect(crossEntropy(tf.zeros([2, 3]), labels, { reduction: 'sum' }).dataSync()[0]).toBe(0);
    });
  });

  it('survives logits of any size, also in rows that do not count', () => {
    tf.tidy(() => {
      const logits = tf.tensor2d([1e4, -1e4, Number.NaN, Number.NaN], [2, 2]);
      const labels = tf.tensor1d([1, -100], 'int32');
      expect(crossEntropy(logits, labels).dataSync()[0]).toBe(2e4);
    });
  });

  it('refuses labels and shapes that do not fit', () => {
    tf.tidy(() => {
      expect(() => crossEntropy(tf.zeros([2, 3]), tf.tensor1d([0, 3], 'int32'))).toThrow(InputError);
      expect(() => crossEntropy(tf.zeros([2, 3]), tf.tensor1d([0, -1], 'int32'))).toThrow(/-1 at position 1/);
      expect(() => crossEntropy(tf.zeros([2, 3]), tf.tensor1d([0], 'int32'))).toThrow(ShapeError);
    });
  });
});

describe('linearCrossEntropy', () => {
  testCases<Required<CrossEntropyOptions>>('linearCrossEntropy', ({ hidden, weight, labels, bias }, attrs) =>
    linearCrossEntropy(hidden!, weight!, labels!, { ...options(attrs), ...(bias ? { bias } : {}) }),
  );

  it('refuses shapes that do not fit', () => {
    tf.tidy(() => {
      const labels = tf.tensor1d([0, 1], 'int32');
      expect(() => linearCrossEntropy(tf.zeros([2, 3]), tf.zeros([5, 4]), labels)).toThrow(ShapeError);
      expect(() => linearCrossEntropy(tf.zeros([3, 3]), tf.zeros([5, 3]), labels)).toThrow(/labels/);
      expect(() => linearCrossEntropy(tf.zeros([2, 3]), tf.zeros([1, 3]), labels)).toThrow(InputError);
    });
  });
});
