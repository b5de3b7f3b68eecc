import tf = require('@tensorflow/tfjs');

import { asMatrix, checkShape } from './check.js';
import { hasKernel, registerFusedGradient, runFused } from './dispatch.js';
import { type NormAttrs, RMS_NORM, RMS_NORM_GRAD } from './kernels.js';

/**
 * Root-mean-square normalisation over the last axis (Zhang and Sennrich, 2019), as T5 has it: no mean is
 * taken away, no bias is added.
 *
 * @param x [..., E]
 * @param gamma [E]
 * @returns [..., E]
 * @throws ShapeError when gamma is not as wide as x
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { rmsNorm } from '@weft/attention';
 *
 * const y = rmsNorm(tf.tensor2d([[3, -3]]), tf.ones([2]), 0);
 * console.assert(y.dataSync().join() === '1,-1');
 * ```
 */
export function rmsNorm(x: tf.Tensor, gamma: tf.Tensor, epsilon: number): tf.Tensor {
  checkShape('rmsNorm', 'gamma', gamma, [x.shape.at(-1)!]);
  if (hasKernel(RMS_NORM)) {
    const [y, rstd] = runFused(RMS_NORM, { x, gamma }, { epsilon } satisfies NormAttrs);
    rstd!.dispose();
    return y!;
  }
  return tf.tidy(() => {
    const rows = asMatrix(x);
    const rstd = tf.rsqrt(tf.add(tf.mean(tf.square(rows), -1, true), epsilon));
    return tf.mul(tf.mul(rows, rstd), gamma).reshape(x.shape);
  });
}

registerFusedGradient<NormAttrs>(
  RMS_NORM,
  { inputs: ['x', 'gamma'], outputs: [false, true] },
  (dy, [x, gamma, rstd], attrs) => {
    const [dx, dgamma] = runFused(RMS_NORM_GRAD, { dy, x, gamma, rstd }, attrs);
    return { x: () => dx!, gamma: () => dgamma! };
  },
);
