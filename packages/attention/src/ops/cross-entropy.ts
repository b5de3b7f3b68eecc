import tf = require('@tensorflow/tfjs');

import { InputError } from '@weft/errors';
import { checkShape } from './check.js';
import { hasKernel, registerFusedGradient, runFused } from './dispatch.js';
import { CROSS_ENTROPY, CROSS_ENTROPY_GRAD, type CrossEntropyAttrs } from './kernels.js';

export interface CrossEntropyOptions {
  /** Rows with this label count nothing. Default: -100. */
  ignoreIndex?: number;
  /** Weight e of the uniform part: (1 - e) * nll + e * mean of -log p. Default: 0. */
  labelSmoothing?: number;
  /** `mean` over the rows that count, or their `sum`. Default: mean. */
  reduction?: 'mean' | 'sum';
}

export const crossEntropyAttrs = ({
  ignoreIndex = -100,
  labelSmoothing = 0,
  reduction = 'mean',
}: CrossEntropyOptions): CrossEntropyAttrs => ({ ignoreIndex, labelSmoothing, reduction });

/**
 * Cross entropy of integer labels, straight from logits; PyTorch's `cross_entropy`.
 *
 * @param logits [R, V]
 * @param labels int32 [R]
 * @returns a scalar; NaN as a mean when no row counts
 * @throws InputError when a label is neither in [0, V) nor the ignored one
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { crossEntropy } from '@weft/attention';
 *
 * const loss = crossEntropy(tf.zeros([2, 4]), tf.tensor1d([3, -100], 'int32'));
 * console.assert(Math.abs(loss.dataSync()[0] - Math.log(4)) < 1e-6);
 * ```
 */
export function crossEntropy(
  logits: tf.Tensor,
  labels: tf.Tensor,
  options: CrossEntropyOptions = {},
): tf.Scalar {
  const [rows, vocabSize] = logits.shape as [number, number];
  checkShape('crossEntropy', 'labels', labels, [rows]);
  const attrs = crossEntropyAttrs(options);
  checkLabels(labels, vocabSize, attrs.ignoreIndex);
  if (hasKernel(CROSS_ENTROPY)) {
    const [loss, logSumExp] = runFused(CROSS_ENTROPY, { logits, labels }, attrs);
    logSumExp!.dispose();
    return loss as tf.Scalar;
  }
  return composite(logits as tf.Tensor2D, labels as tf.Tensor1D, attrs);
}

export function checkLabels(labels: tf.Tensor, vocabSize: number, ignoreIndex: number): void {
  const values = labels.dataSync();
  for (let i = 0; i < values.length; i++) {
    const label = values[i]!;
    if ((label >= 0 && label < vocabSize) || label === ignoreIndex) continue;
    throw new InputError({
      operation: 'crossEntropy',
      expected: `labels from 0 to ${vocabSize - 1}, or ${ignoreIndex} to ignore a position`,
      received: `${label} at position ${i}`,
      remedy: 'check the labels against the number of classes of the model',
    });
  }
}

function composite(logits: tf.Tensor2D, labels: tf.Tensor1D, attrs: CrossEntropyAttrs): tf.Scalar {
  const [rows, vocabSize] = logits.shape;
  const { ignoreIndex, labelSmoothing, reduction } = attrs;
  const run = tf.customGrad((input, save) => {
    const x = input as tf.Tensor2D;
    const counted = tf.cast(tf.notEqual(labels, ignoreIndex), 'float32');
    const safe = tf.cast(tf.mul(labels, counted), 'int32') as tf.Tensor1D; // ignored rows look at class 0
    const flat = tf.add(tf.mul(tf.range(0, rows, 1, 'int32'), vocabSize), safe) as tf.Tensor1D;
    const picked = tf.gather(x.reshape([rows * vocabSize]), tf.cast(flat, 'int32'));
    const logSumExp = tf.logSumExp(x, 1);
    const likely = tf.sub(logSumExp, picked);
    const spread = tf.sub(logSumExp, tf.mean(x, 1));
    const perRow = tf.add(tf.mul(likely, 1 - labelSmoothing), tf.mul(spread, labelSmoothing));
    // A row that does not count may hold anything: it is chosen away, not multiplied by zero.
    const sum = tf.sum(tf.where(tf.cast(counted, 'bool'), perRow, tf.zerosLike(perRow)));
    const scale = reduction === 'mean' ? tf.div(1, tf.sum(counted)) : tf.scalar(1);
    (save as tf.GradSaveFunc)([x, logSumExp, counted, safe, scale]);
    return {
      value: reduction === 'mean' ? tf.mul(sum, scale) : sum,
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => gradient(dy, saved, labelSmoothing),
    };
  });
  return run(logits) as tf.Scalar;
}

function gradient(dy: tf.Tensor, saved: tf.Tensor[], labelSmoothing: number): tf.Tensor {
  const [x, logSumExp, counted, labels, scale] = saved as [tf.Tensor2D, ...tf.Tensor[]];
  const [rows, vocabSize] = x.shape;
  return tf.tidy(() => {
    const weight = tf.mul(tf.mul(dy, scale!), counted!);
    const probabilities = tf.exp(tf.sub(x, logSumExp!.reshape([rows, 1])));
    const pulled = tf.mul(tf.sub(probabilities, labelSmoothing / vocabSize), weight.reshape([rows, 1]));
    const places = tf.stack([tf.range(0, rows, 1, 'int32'), labels!], 1);
    return tf.sub(pulled, tf.scatterND(places, tf.mul(weight, 1 - labelSmoothing), [rows, vocabSize]));
  });
}

const saved = { inputs: ['logits', 'labels'], outputs: [false, true] };
registerFusedGradient<CrossEntropyAttrs>(CROSS_ENTROPY, saved, (dy, [logits, labels, logSumExp], attrs) => ({
  logits: () => runFused(CROSS_ENTROPY_GRAD, { logits, labels, logSumExp, dy }, attrs)[0]!,
}));
