import tf = require('@tensorflow/tfjs');

import { hasKernel, registerFusedGradient, runFused } from './dispatch.js';
import { ACTIVATION, ACTIVATION_GRAD, type Activation, type ActivationAttrs } from './kernels.js';

/**
 * Elementwise activation.
 *
 * `gelu` is 0.5 x (1 + erf(x / sqrt 2)) (Hendrycks and Gimpel, 2016), `geluNew` its tanh form as GPT-2 has it.
 *
 * @param x any shape
 * @returns the same shape
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { activation } from '@weft/attention';
 *
 * const [zero, one] = activation(tf.tensor1d([0, 1]), 'gelu').dataSync();
 * console.assert(zero === 0 && Math.abs(one - 0.8413447) < 1e-6);
 * ```
 */
export function activation<T extends tf.Tensor>(x: T, kind: Activation): T {
  if (kind === 'none') return x;
  if (hasKernel(ACTIVATION)) return runFused(ACTIVATION, { x }, { activation: kind })[0] as T;
  return tf.tidy(() => composites[kind](x)) as T;
}

const composites: Record<Exclude<Activation, 'none'>, (x: tf.Tensor) => tf.Tensor> = {
  relu: (x) => tf.relu(x),
  tanh: (x) => tf.tanh(x),
  sigmoid: (x) => tf.sigmoid(x),
  silu: (x) => tf.mul(x, tf.sigmoid(x)),
  gelu: (x) => geluErf(x) as tf.Tensor,
  geluNew: (x) => {
    const cubic = tf.mul(tf.add(x, tf.mul(tf.mul(tf.square(x), x), 0.044715)), Math.sqrt(2 / Math.PI));
    return tf.mul(tf.mul(x, 0.5), tf.add(tf.tanh(cubic), 1));
  },
};

// tfjs's erf is a polynomial good to 1e-7 of an erf near 1, but far from it for the tails of gelu: the error
// is absolute, and so is the tolerance of float32 sums around it.
const geluErf = tf.customGrad((x, save) => {
  const input = x as tf.Tensor;
  const half = tf.mul(tf.add(tf.erf(tf.mul(input, Math.SQRT1_2)), 1), 0.5);
  (save as tf.GradSaveFunc)([input, half]);
  return {
    value: tf.mul(input, half),
    gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
      const [z, cdf] = saved as [tf.Tensor, tf.Tensor];
      const density = tf.mul(tf.exp(tf.mul(tf.square(z), -0.5)), 1 / Math.sqrt(2 * Math.PI));
      return tf.mul(dy, tf.add(cdf, tf.mul(z, density)));
    },
  };
});

registerFusedGradient<ActivationAttrs>(ACTIVATION, { inputs: ['x'] }, (dy, [x], attrs) => ({
  x: () => runFused(ACTIVATION_GRAD, { x, dy }, attrs)[0]!,
}));
