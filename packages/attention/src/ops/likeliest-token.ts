import tf = require('@tensorflow/tfjs');

import { checkShape } from './check.js';
import { hasKernel, isRecording, runFused } from './dispatch.js';
import { LIKELIEST_TOKEN } from './kernels.js';
import { linear } from './linear.js';

/**
 * The token with the greatest logit of each row, the first of equals: all that greedy decoding needs of a language model's
 * last layer. What `tf.argMax(linear(states, weight, bias), 1)` gives, to the bit; a backend may find it without all the
 * logits.
 *
 * @param states [R, E]
 * @param weight [V, E]
 * @param bias [V]
 * @returns int32 [R]
 * @throws ShapeError when the sizes do not fit together
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { likeliestToken } from '@weft/attention';
 *
 * const tokens = likeliestToken(tf.tensor2d([[1, -1]]), tf.tensor2d([[1, 1], [2, 1], [1, 2]]));
 * console.assert(tokens.dataSync()[0] === 1);
 * ```
 */
export function likeliestToken(states: tf.Tensor, weight: tf.Tensor, bias?: tf.Tensor): tf.Tensor1D {
  checkShape('likeliestToken', 'states', states, ['rows', 'width']);
  const [vocabulary] = weight.shape as [number, number];
  checkShape('likeliestToken', 'weight', weight, ['vocabulary', states.shape[1]!]);
  if (bias) checkShape('likeliestToken', 'bias', bias, [vocabulary]);
  if (hasKernel(LIKELIEST_TOKEN) && !isRecording()) {
    return runFused(LIKELIEST_TOKEN, { states, weight, bias }, {})[0] as tf.Tensor1D;
  }
  return tf.tidy(() => tf.argMax(linear(states, weight, bias), 1) as tf.Tensor1D);
}
