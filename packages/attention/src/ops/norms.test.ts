import * as tf from '@tensorflow/tfjs';
import { ShapeError } from '@weft/errors';
import { describe, expect, it } from 'vitest';
import { testCases } from '../../test/cases.ts';
import type { NormAttrs } from './kernels.js';
import { layerNorm } from './layer-norm.js';
import { rmsNorm } from './rms-norm.js';

describe('layerNorm', () => {
  testCases<NormAttrs>('layerNorm', ({ x, gamma, beta }, { epsilon }) =>
    layerNorm(x!, gamma!, beta!, epsilon),
  );

  it('refuses a gamma or beta of another width', () => {
    tf.tidy(() => {
      expect(() => layerNorm(tf.zeros([2, 4]), tf.ones([3]), tf.zeros([4]), 1e-5)).toThrow(ShapeError);
      expect(() => layerNorm(tf.zeros([2, 4]), tf.ones([4]), tf.zeros([5]), 1e-5)).toThrow(/beta/);
    });
  });
});

describe('rmsNorm', () => {
  testCases<NormAttrs>('rmsNorm', ({ x, gamma }, { epsilon }) => rmsNorm(x!, gamma!, epsilon));

  it('refuses a gamma of another width', () => {
    tf.tidy(() => {
      expect(() => rmsNorm(tf.zeros([2, 4]), tf.ones([3]), 1e-6)).toThrow(ShapeError);
    });
  });
});
