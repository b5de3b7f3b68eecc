import tf = require('@tensorflow/tfjs');

import { asMatrix, checkShape } from './check.js';
import { hasKernel, registerFusedGradient, runFused } from './dispatch.js';
import { ADD_RMS_NORM, ADD_RMS_NORM_GRAD, type NormAttrs, RMS_NORM, RMS_NORM_GRAD } from './kernels.js';

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

/**
 * What a part of a Transformer with normalisation before it begins with: the sum of what came in and what the part before
 * gave, and its root-mean-square normalisation. One op, whose gradient adds both paths up on the way.
 *
 * @param x [..., E]
 * @param added of the shape of x
 * @param gamma [E]
 * @returns the sum and its normalisation, each [..., E]
 * @throws ShapeError when the sizes do not fit together
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { addRmsNorm } from '@weft/attention';
 *
 * const [sum, y] = addRmsNorm(tf.tensor2d([[1, -2]]), tf.tensor2d([[2, -1]]), tf.ones([2]), 0);
 * console.assert(sum.dataSync().join() === '3,-3' && y.dataSync().join() === '1,-1');
 * ```
 */
export function addRmsNorm(
  x: tf.Tensor,
  added: tf.Tensor,
  gamma: tf.Tensor,
  epsilon: number,
): [sum: tf.Tensor, y: tf.Tensor] {
  checkShape('addRmsNorm', 'added', added, x.shape);
  checkShape('addRmsNorm', 'gamma', gamma, [x.shape.at(-1)!]);
  if (!hasKernel(ADD_RMS_NORM)) {
    const sum = tf.add(x, added);
    return [sum, rmsNorm(sum, gamma, epsilon)];
  }
  const [sum, y, rstd] = runFused(ADD_RMS_NORM, { x, added, gamma }, { epsilon } satisfies NormAttrs);
  rstd!.dispose();
  return [sum!, y!];
}

tf.registerGradient({
  kernelName: ADD_RMS_NORM,
  inputsToSave: ['gamma'],
  outputsToSave: [true, false, true],
  gradFunc: (given, saved, attrs) => {
    const [dsum, dy] = given as tf.Tensor[];
    const [gamma, sum, rstd] = saved as tf.Tensor[];
    const [dx, dgamma] = runFused(ADD_RMS_NORM_GRAD, { dsum, dy, sum, gamma, rstd }, attrs);
    return { x: () => dx!, added: () => dx!.clone(), gamma: () => dgamma! };
  },
});
