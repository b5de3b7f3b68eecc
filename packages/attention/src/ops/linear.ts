import tf = require('@tensorflow/tfjs');

import { activation } from './activation.js';
import { asMatrix, checkShape } from './check.js';
import { hasKernel, isRecording, registerFusedGradient, runFused } from './dispatch.js';
import {
  type Activation,
  LINEAR,
  LINEAR_INPUT_GRAD,
  LINEAR_WEIGHT_GRAD,
  type LinearAttrs,
  type LinearGradAttrs,
  type WeightLayout,
} from './kernels.js';

export interface LinearOptions {
  /** How the weight is stored. Default: `out-in`, as nn.Linear has it. */
  layout?: WeightLayout;
  activation?: Activation;
}

/**
 * y = activation(x W + bias).
 *
 * @param x [..., K]
 * @param weight [N, K] for `out-in`, [K, N] for `in-out`
 * @param bias [N]
 * @returns [..., N]
 * @throws ShapeError when the sizes do not fit together
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { linear } from '@weft/attention';
 *
 * const y = linear(tf.tensor2d([[1, 2]]), tf.tensor2d([[3, 4]]), tf.tensor1d([5]));
 * console.assert(y.dataSync()[0] === 1 * 3 + 2 * 4 + 5);
 * ```
 */
export function linear(
  x: tf.Tensor,
  weight: tf.Tensor,
  bias?: tf.Tensor,
  { layout = 'out-in', activation: kind = 'none' }: LinearOptions = {},
): tf.Tensor {
  const inner = x.shape.at(-1)!;
  checkShape('linear', 'weight', weight, layout === 'out-in' ? ['out', inner] : [inner, 'out']);
  const outer = weight.shape[layout === 'out-in' ? 0 : 1]!;
  if (bias) checkShape('linear', 'bias', bias, [outer]);

  if (hasKernel(LINEAR)) {
    // The gradient of an activation needs its input, which a fused kernel does not keep.
    const reused = !isRecording();
    const fuse = kind === 'none' || reused;
    const attrs: LinearAttrs = { layout, activation: fuse ? kind : 'none', reused };
    const y = runFused(LINEAR, { x, weight, bias }, attrs)[0]!;
    return fuse ? y : activation(y, kind);
  }
  return tf.tidy(() => {
    const product = tf.matMul(asMatrix(x), weight as tf.Tensor2D, false, layout === 'out-in');
    const y = activation(bias ? tf.add(product, bias) : product, kind);
    return x.rank === 2 ? y : y.reshape([...x.shape.slice(0, -1), outer]);
  });
}

registerFusedGradient<LinearAttrs>(LINEAR, { inputs: ['x', 'weight'] }, (dy, [x, weight], { layout }) => {
  const attrs: LinearGradAttrs = { layout };
  return {
    x: () => runFused(LINEAR_INPUT_GRAD, { dy, weight }, attrs)[0]!,
    weight: () => runFused(LINEAR_WEIGHT_GRAD, { dy, x }, attrs)[0]!,
    bias: () => tf.sum(asMatrix(dy), 0),
  };
});
