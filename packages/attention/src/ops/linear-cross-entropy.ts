import tf = require('@tensorflow/tfjs');

import { checkShape } from './check.js';
import { type CrossEntropyOptions, checkLabels, crossEntropy, crossEntropyAttrs } from './cross-entropy.js';
import { hasKernel, isRecording, runFused } from './dispatch.js';
import { LINEAR_CROSS_ENTROPY, type LinearCrossEntropyAttrs } from './kernels.js';
import { linear } from './linear.js';

/**
 * The last layer of a language model and its loss in one: cross entropy of `hidden W^T + bias`, without ever
 * holding all the logits where the backend has a kernel for it.
 *
 * @param hidden [R, E]
 * @param weight [V, E]
 * @param labels int32 [R]
 * @param bias [V]
 * @returns a scalar
 * @throws ShapeError, InputError as `linear` and `crossEntropy`
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { linearCrossEntropy } from '@weft/attention';
 *
 * const loss = linearCrossEntropy(tf.ones([1, 2]), tf.zeros([8, 2]), tf.tensor1d([5], 'int32'));
 * console.assert(Math.abs(loss.dataSync()[0] - Math.log(8)) < 1e-6);
 * ```
 */
export function linearCrossEntropy(
  hidden: tf.Tensor,
  weight: tf.Tensor,
  labels: tf.Tensor,
  { bias, ...options }: CrossEntropyOptions & { bias?: tf.Tensor } = {},
): tf.Scalar {
  const [rows, width] = hidden.shape as [number, number];
  checkShape('linearCrossEntropy', 'weight', weight, ['vocabulary', width]);
  checkShape('linearCrossEntropy', 'labels', labels, [rows]);
  if (!hasKernel(LINEAR_CROSS_ENTROPY))
    return tf.tidy(() => crossEntropy(linear(hidden, weight, bias), labels, options));

  const attrs: LinearCrossEntropyAttrs = { ...crossEntropyAttrs(options), computeGradients: isRecording() };
  checkLabels(labels, weight.shape[0]!, attrs.ignoreIndex);
  const run = (): tf.Tensor[] => runFused(LINEAR_CROSS_ENTROPY, { hidden, weight, labels, bias }, attrs);
  if (!attrs.computeGradients) return run()[0] as tf.Scalar;
  // The kernel computes the gradients for dy = 1 on its way forward. They are no outputs of what the tape records: for
  // those it would make zeros as large as the weight.
  const recorded = tf.customGrad((...args) => {
    const save = args.pop() as unknown as tf.GradSaveFunc;
    const [loss, ...gradients] = run();
    save(gradients);
    return { value: loss!, gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => scaled(saved, dy) };
  });
  return recorded(hidden, weight, ...(bias ? [bias] : [])) as tf.Scalar;
}

function scaled(gradients: readonly tf.Tensor[], dy: tf.Tensor): tf.Tensor[] {
  const isOne = dy.dataSync()[0] === 1;
  return gradients.map((gradient) => (isOne ? gradient.clone() : tf.mul(gradient, dy)));
}
