import * as tf from '@tensorflow/tfjs';
import { ShapeError } from '@weft/errors';
import { describe, expect, it } from 'vitest';
import { testCases } from '../../test/cases.ts';
import type { LinearAttrs } from './kernels.js';
import { linear } from './linear.js';

describe('linear', () => {
  testCases<LinearAttrs>('linear', ({ x, weight, bias }, { layout, activation }) =>
    linear(x!, weight!, bias, { layout, activation }),
  );

  it('refuses a weight and a bias that do not fit, and names the tensor', () => {
    tf.tidy(() => {
      const x = tf.zeros([2, 3]);
      expect(() => linear(x, tf.zeros([3, 4]))).toThrow(ShapeError);
      expect(() => linear(x, tf.zeros([3, 4]))).toThrow(/weight of shape \[out, 3\], received \[3, 4\]/);
      expect(() => linear(x, tf.zeros([4, 3]), tf.zeros([3]))).toThrow(/bias of shape \[4\]/);
      expect(() => linear(x, tf.zeros([4, 3]), undefined, { layout: 'in-out' })).toThrow(
        /weight of shape \[3, out\]/,
      );
    });
  });
});
