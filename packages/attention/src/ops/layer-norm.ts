import tf = require('@tensorflow/tfjs');

import { asMatrix, checkShape } from './check.js';
import { hasKernel, registerFusedGradient, runFused } from './dispatch.js';
import { LAYER_NORM, LAYER_NORM_GRAD, type NormAttrs } from './kernels.js';

/**
 * Layer normalisation over the last axis (Ba, Kiros and Hinton, 2016): (x - mean) / sqrt(variance + epsilon)
 * * gamma + beta, with the biased variance.
 *
 * @param x [..., E]
 * @param gamma [E]
 * @param beta [E]
 * @returns [..., E]
 * @throws ShapeError when gamma or beta is not as wide as x
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { layerNorm } from '@weft/attention';
 *
 * const y = layerNorm(tf.tensor2d([[1, 3]]), tf.ones([2]), tf.zeros([2]), 0);
 * console.assert(y.dataSync().join() === '-1,1');
 * ```
 */
export function layerNorm(x: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor, epsilon: number): tf.Tensor {
  const width = x.shape.at(-1)!;
  checkShape('layerNorm', 'gamma', gamma, [width]);
  checkShape('layerNorm', 'beta', beta, [width]);
  if (hasKernel(LAYER_NORM)) {
    const [y, mean, rstd] = runFused(LAYER_NORM, { x, gamma, beta }, { epsilon } satisfies NormAttrs);
    mean!.dispose();
    rstd!.dispose();
    return y!;
  }
  return tf.tidy(() => {
    const rows = asMatrix(x);
    const centred = tf.sub(rows, tf.mean(rows, -1, true));
    const variance = tf.mean(tf.square(centred), -1, true);
    const normal = tf.mul(centred, tf.rsqrt(tf.add(variance, epsilon)));
    return tf.add(tf.mul(normal, gamma), beta).reshape(x.shape);
  });
}

const saved = { inputs: ['x', 'gamma'], outputs: [false, true, true] };
registerFusedGradient<NormAttrs>(LAYER_NORM, saved, (dy, [x, gamma, mean, rstd], attrs) => {
  const [dx, dgamma, dbeta] = runFused(LAYER_NORM_GRAD, { dy, x, gamma, mean, rstd }, attrs);
  return { x: () => dx!, gamma: () => dgamma!, beta: () => dbeta! };
});
