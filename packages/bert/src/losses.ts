/**
 * The heads' losses, each once for all families, as transformers defines them.
 * B batch, T positions, N classes.
 */
import tf = require('@tensorflow/tfjs');

import { crossEntropy, embedding, idTensor, linear, linearCrossEntropy } from '@weft/attention';
import { InputError } from '@weft/errors';
import type { ProblemType } from './config.js';
import type { Rows } from './inputs.js';

/** A class a row [B], or a row of numbers each [B, N]. */
export type ClassLabels = readonly number[] | readonly (readonly number[])[] | tf.Tensor;

export interface LossOptions {
  /** Share of the loss that is spread over all classes; only of losses that are cross entropies. Default: 0. */
  labelSmoothing?: number | undefined;
}

const IGNORED = -100;

function flatten(labels: ClassLabels): number[] {
  return labels instanceof tf.Tensor ? Array.from(labels.dataSync()) : (labels.flat() as number[]);
}

const isTable = (labels: ClassLabels): boolean =>
  labels instanceof tf.Tensor ? labels.rank === 2 : Array.isArray(labels[0]);

function checkCount(operation: string, received: number, expected: number, what: string): void {
  if (received === expected) return;
  throw new InputError({
    operation,
    expected: `${expected} labels, ${what}`,
    received: String(received),
    remedy: 'give a label for every row; for other numbers of classes load the model with numLabels',
  });
}

/** One class of each row: cross entropy. logits [B, N], labels [B]. */
export function singleLabelLoss(
  logits: tf.Tensor2D,
  labels: ClassLabels,
  { labelSmoothing = 0 }: LossOptions = {},
): tf.Scalar {
  const values = flatten(labels);
  checkCount('single-label loss', values.length, logits.shape[0], 'one a row');
  return crossEntropy(logits, tf.tensor1d(values, 'int32'), { labelSmoothing });
}

/**
 * The loss of sequence classification: mean squared error for regression, cross entropy for one class a row,
 * binary cross entropy where several may hold.
 *
 * @param problemType default: regression for one class; several classes with whole numbers, one a row: single
 * label; else multi-label
 */
export function classificationLoss(
  logits: tf.Tensor2D,
  labels: ClassLabels,
  problemType?: ProblemType | null,
  options: LossOptions = {},
): tf.Scalar {
  const [batch, count] = logits.shape;
  const values = flatten(labels);
  const whole = !isTable(labels) && values.every(Number.isInteger);
  const kind =
    problemType ??
    (count === 1 ? 'regression' : whole ? 'single_label_classification' : 'multi_label_classification');
  if (kind === 'single_label_classification') return singleLabelLoss(logits, labels, options);
  checkCount(`${kind} loss`, values.length, batch * count, `${count} a row`);
  const targets = tf.tensor2d(values, [batch, count]);
  if (kind === 'regression') return tf.mean(tf.squaredDifference(logits, targets)) as tf.Scalar;
  // Binary cross entropy from logits: max(x, 0) - x y + log(1 + e^-|x|).
  const soft = tf.log1p(tf.exp(tf.neg(tf.abs(logits))));
  return tf.mean(tf.add(tf.sub(tf.relu(logits), tf.mul(logits, targets)), soft)) as tf.Scalar;
}

/** A class of every token, -100 for none: logits [B, T, N], labels [B, T]. */
export function tokenLoss(
  logits: tf.Tensor3D,
  labels: Rows,
  { labelSmoothing = 0 }: LossOptions = {},
): tf.Scalar {
  const [batch, length, count] = logits.shape;
  const classes = idTensor(labels, 'labels').reshape([-1]);
  checkCount('token classification loss', classes.size, batch * length, 'one a token');
  return crossEntropy(logits.reshape([batch * length, count]), classes, { labelSmoothing });
}

/**
 * The mean of the losses of an answer's first and last token, [B, T] each. A position beyond the text
 * counts nothing, one before it means the first token.
 */
export function spanLoss(
  startLogits: tf.Tensor2D,
  endLogits: tf.Tensor2D,
  startPositions: ClassLabels,
  endPositions: ClassLabels,
): tf.Scalar {
  const [batch, length] = startLogits.shape;
  const one = (logits: tf.Tensor2D, positions: ClassLabels): tf.Scalar => {
    const values = flatten(positions).map((position) =>
      position < length ? Math.max(position, 0) : IGNORED,
    );
    checkCount('span loss', values.length, batch, 'one a row');
    return crossEntropy(logits, tf.tensor1d(values, 'int32'));
  };
  return tf.div(tf.add(one(startLogits, startPositions), one(endLogits, endPositions)), 2);
}

export interface MaskedLanguageModeling extends LossOptions {
  /** [B, T, E] */
  hidden: tf.Tensor3D;
  /** What comes before the last layer: [R, E] -> [R, E] */
  transform: (rows: tf.Tensor) => tf.Tensor;
  /** [V, E], the word embeddings where they are tied */
  weight: tf.Tensor;
  /** [V] */
  bias: tf.Tensor;
  /** [B, T], -100 where nothing was masked */
  labels?: Rows | undefined;
  outputLogits?: boolean | undefined;
}

/**
 * Logits [B, T, V] and loss of a masked language model. Without logits only the masked positions go through the
 * head, and never all their logits at once.
 */
export function maskedLanguageModeling({
  hidden,
  transform,
  weight,
  bias,
  labels,
  outputLogits = true,
  labelSmoothing = 0,
}: MaskedLanguageModeling): { logits?: tf.Tensor3D; loss?: tf.Scalar } {
  const [batch, length, width] = hidden.shape;
  const rows = hidden.reshape([batch * length, width]);
  const classes = labels ? idTensor(labels, 'labels').reshape([-1]) : undefined; // [B * T]
  if (classes) checkCount('masked language modelling loss', classes.size, batch * length, 'one a token');
  if (outputLogits) {
    const flat = linear(transform(rows), weight, bias); // [B * T, V]
    const logits = flat.reshape([batch, length, -1]) as tf.Tensor3D;
    return classes ? { logits, loss: crossEntropy(flat, classes, { labelSmoothing }) } : { logits };
  }
  if (!classes) return {};
  const values = classes.dataSync();
  const counted = [...values.keys()].filter((i) => values[i] !== IGNORED);
  if (counted.length === 0) return { loss: tf.scalar(Number.NaN) };
  // A look-up of rows whose gradient is a scatter-add.
  const masked = embedding(rows, tf.tensor1d(counted, 'int32')); // [R, E]
  const wanted = tf.tensor1d(
    counted.map((i) => values[i]!),
    'int32',
  );
  return { loss: linearCrossEntropy(transform(masked), weight, wanted, { bias, labelSmoothing }) };
}
