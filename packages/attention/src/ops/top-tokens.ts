import tf = require('@tensorflow/tfjs');

import { InputError } from '@weft/errors';
import { checkShape } from './check.js';
import { hasKernel, runFused } from './dispatch.js';
import { TOP_TOKENS, type TopTokensAttrs } from './kernels.js';

/** The likeliest tokens of each row, [rows * count], falling; of equals the first comes first. */
export interface TopTokens {
  tokens: Int32Array;
  /** Rounded where PyTorch's log_softmax rounds: (logit - greatest) - log(sum of exponentials above it). */
  logProbabilities: Float32Array;
}

/**
 * The `count` likeliest tokens of each row and their log-probabilities: all that beam search needs of the logits, which
 * so never leave the backend.
 *
 * @param logits [R, V]
 * @throws ShapeError, InputError when there are fewer than `count` tokens
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { topTokens } from '@weft/attention';
 *
 * const { tokens, logProbabilities } = topTokens(tf.tensor2d([[0, 1, 1]]), 2);
 * console.assert(tokens.join() === '1,2' && logProbabilities[0] === logProbabilities[1]);
 * ```
 */
export function topTokens(logits: tf.Tensor, count: number): TopTokens {
  checkShape('topTokens', 'logits', logits, ['rows', 'vocabulary']);
  const vocabulary = logits.shape[1]!;
  if (!(Number.isInteger(count) && count > 0 && count <= vocabulary)) {
    throw new InputError({
      operation: 'topTokens',
      expected: `a count from 1 to ${vocabulary}, the size of the vocabulary`,
      received: String(count),
      remedy: 'ask for fewer tokens',
    });
  }
  const outputs = hasKernel(TOP_TOKENS)
    ? runFused(TOP_TOKENS, { logits }, { count } satisfies TopTokensAttrs)
    : composite(logits, count);
  const [tokens, logProbabilities] = outputs.map((tensor) => tensor.dataSync());
  tf.dispose(outputs);
  return { tokens: tokens as Int32Array, logProbabilities: logProbabilities as Float32Array };
}

function composite(logits: tf.Tensor, count: number): tf.Tensor[] {
  return tf.tidy(() => {
    const { values, indices } = tf.topk(logits, count);
    const best = tf.slice(values, [0, 0], [-1, 1]); // [R, 1]
    const logSum = tf.log(tf.sum(tf.exp(tf.sub(logits, best)), 1, true)); // [R, 1]
    return [indices, tf.sub(tf.sub(values, best), logSum)];
  });
}
