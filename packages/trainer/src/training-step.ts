import tf = require('@tensorflow/tfjs');

import { accumulate, clipScale, globalNorm, type Module } from '@weft/attention';
import { TrainingError } from '@weft/errors';
import type { ResolvedArguments } from './arguments.js';
import type { Batch } from './dataset.js';
import type { AdamW } from './optimizer.js';

/** What the trainer needs of a model. */
export interface TrainableModel extends Module {
  /** Takes a batch, gives at least the loss where the batch has labels. */
  forward(inputs: never): StepOutputs;
  savePretrained(folder: string): Promise<void>;
  /** True when forward takes `lossReduction: 'sum'`, so that accumulation can divide by the labels of a window. */
  readonly acceptsLossReduction?: boolean;
  /** True when forward takes `gradientCheckpointing: true`. */
  readonly supportsGradientCheckpointing?: boolean;
}

export type Forward = (inputs: object) => StepOutputs;

/** What the trainer takes from a model's outputs. */
export interface StepOutputs {
  loss?: tf.Scalar;
  logits?: tf.Tensor;
  /** [B, T], of models that find a span; predictions then hold both, [2, T] an example. */
  startLogits?: tf.Tensor;
  endLogits?: tf.Tensor;
}

/**
 * One step of the optimizer: the gradients of all batches of an accumulation window, clipped together. Where
 * the loss or the norm is not finite nothing is updated; where no label counts the loss is 0 and nothing is either.
 */
export function trainingStep(
  model: TrainableModel,
  batches: readonly Batch[],
  optimizer: AdamW,
  rate: number,
  args: Pick<ResolvedArguments, 'maxGradNorm' | 'labelSmoothingFactor' | 'gradientCheckpointing'>,
): { loss: number; gradNorm: number } {
  // Summed losses over the labels of the whole window, where the model can; else the mean over its batches.
  // Label smoothing takes the mean over a batch's labels, as Python's smoother does.
  const sums =
    model.acceptsLossReduction &&
    args.labelSmoothingFactor === 0 &&
    batches.every(({ labels }) => labels !== undefined);
  // Where masks happen to leave no label in a window its loss is 0, not 0 / 0.
  const labels = Math.max(
    1,
    sums ? batches.reduce((sum, { labels: each }) => sum + countLabels(each), 0) : 0,
  );
  const extra = {
    outputLogits: false,
    ...(sums ? { lossReduction: 'sum' } : {}),
    ...(args.labelSmoothingFactor > 0 ? { labelSmoothing: args.labelSmoothingFactor } : {}),
    ...(args.gradientCheckpointing ? { gradientCheckpointing: true } : {}),
  };
  const share = 1 / (sums ? labels : batches.length);

  let loss = 0;
  let totals: (tf.Variable | undefined)[] = [];
  let gradNorm = 0;
  try {
    for (const batch of batches) {
      tf.tidy(() => {
        const { value, grads } = tf.variableGrads(
          () => lossOf(model, { ...batch, ...extra }, share),
          [...optimizer.parameters],
        );
        const own = value.dataSync()[0]!;
        // Masks may happen to leave no label in a batch: 0 / 0 for models that divide by their own count.
        const counts = !(Number.isNaN(own) && batch.labels !== undefined && countLabels(batch.labels) === 0);
        if (!counts) return;
        loss += own;
        const gradients = optimizer.parameters.map(({ name }) => grads[name]);
        if (batches.length === 1) gradNorm = update(optimizer, gradients, rate, loss, args.maxGradNorm);
        else totals = addUp(totals, gradients);
      });
    }
    if (batches.length > 1 && totals.length > 0)
      tf.tidy(() => {
        gradNorm = update(optimizer, totals, rate, loss, args.maxGradNorm);
      });
  } finally {
    for (const total of totals) total?.dispose();
  }
  return { loss, gradNorm };
}

function lossOf(model: TrainableModel, inputs: Batch, share: number): tf.Scalar {
  const { loss } = (model.forward as unknown as Forward).call(model, inputs);
  if (loss) return share === 1 ? loss : (tf.mul(loss, share) as tf.Scalar);
  throw new TrainingError({
    operation: 'train',
    expected: 'a model that gives a loss',
    received: 'none',
    remedy: 'give the batches labels, by the data set or the collator',
  });
}

function update(
  optimizer: AdamW,
  gradients: readonly (tf.Tensor | undefined)[],
  rate: number,
  loss: number,
  maxGradNorm: number,
): number {
  const known = gradients.filter((gradient) => gradient !== undefined);
  if (known.length === 0) {
    throw new TrainingError({
      operation: 'train',
      expected: 'a loss that depends on trainable parameters',
      received: 'one that depends on none',
      remedy: 'leave at least one parameter trainable',
    });
  }
  const norm = globalNorm(known).dataSync()[0]!;
  if (!Number.isFinite(loss) || !Number.isFinite(norm)) return norm;
  optimizer.step(gradients, rate, maxGradNorm > 0 ? clipScale(norm, maxGradNorm) : 1);
  return norm;
}

function addUp(
  sums: readonly (tf.Variable | undefined)[],
  gradients: readonly (tf.Tensor | undefined)[],
): (tf.Variable | undefined)[] {
  const pairs = gradients.flatMap((gradient, i) =>
    gradient && sums[i] ? [[sums[i], gradient] as const] : [],
  );
  if (pairs.length > 0) {
    accumulate(
      pairs.map(([sum]) => sum),
      pairs.map(([, gradient]) => gradient),
    );
  }
  // A parameter may have no gradient in one batch and have one in the next.
  return gradients.map((gradient, i) => sums[i] ?? (gradient && tf.variable(gradient, false)));
}

/** Labels that count, before any shift, as transformers counts them. */
export function countLabels(labels: unknown): number {
  if (typeof labels === 'number') return labels === -100 ? 0 : 1;
  let count = 0;
  if (labels instanceof tf.Tensor) {
    for (const label of labels.dataSync()) if (label !== -100) count++;
    return count;
  }
  if (!Array.isArray(labels)) return 0;
  for (const each of labels) count += countLabels(each);
  return count;
}
