import tf = require('@tensorflow/tfjs');

import type { Batch } from './dataset.js';
import type { LogEntry } from './state.js';
import { countLabels, type Forward, type TrainableModel } from './training-step.js';

/** What metrics are computed from: one entry an example, in the order of the data set. */
export interface EvalPrediction {
  /** The logits of each example, flattened; of start, then of end where spans are found; none where the model only generates. */
  predictions: Float32Array[];
  /** The shape of each example's logits. */
  shapes: number[][];
  /** The labels of each example as the collator gave them. */
  labels: unknown[];
  /** Generated ids, of a Seq2SeqTrainer with predictWithGenerate. */
  generated: number[][];
}

export type ComputeMetrics = (
  prediction: EvalPrediction,
) => Record<string, number> | Promise<Record<string, number>>;

/** Makes less of logits [B, ...] before they are kept, such as the best class. Runs in a tidy. */
export type PreprocessLogits = (logits: tf.Tensor, labels: unknown) => tf.Tensor;

export interface PredictionOutput extends EvalPrediction {
  metrics: LogEntry;
}

/** What one batch gives. */
export interface StepPrediction {
  loss?: number;
  /** One entry an example. */
  predictions?: Float32Array[];
  shapes?: number[][];
  generated?: number[][];
}

interface LoopOptions {
  prefix: string;
  /** The places of the examples in the data set, in the order in which the batches bring them. Default: as they come. */
  order?: readonly number[];
  step: (batch: Batch) => Promise<StepPrediction>;
  computeMetrics?: ComputeMetrics;
  onStep: (done: number) => Promise<void>;
}

/** Runs a model over batches without training it: mean loss over the examples, and metrics. */
export async function evaluationLoop(
  model: TrainableModel,
  batches: AsyncIterable<Batch>,
  { prefix, order, step, computeMetrics, onStep }: LoopOptions,
): Promise<PredictionOutput> {
  const found: EvalPrediction = { predictions: [], shapes: [], labels: [], generated: [] };
  const wasTraining = model.training;
  const started = performance.now();
  let [lossSum, counted, examples, steps] = [0, 0, 0, 0];
  model.eval();
  try {
    for await (const batch of batches) {
      const { loss, predictions = [], shapes = [], generated = [] } = await step(batch);
      const size = batchSize(batch);
      examples += size;
      steps++;
      if (loss !== undefined) {
        lossSum += loss * size;
        counted += size;
      }
      found.predictions.push(...predictions);
      found.shapes.push(...shapes);
      found.generated.push(...generated);
      if (predictions.length > 0 || generated.length > 0) found.labels.push(...labelRows(batch.labels));
      tf.dispose(Object.values(batch).filter((value) => value instanceof tf.Tensor));
      await onStep(steps);
      await tf.nextFrame();
    }
  } finally {
    model.train(wasTraining);
  }
  const output = order ? inPlace(found, order) : found;
  const seconds = (performance.now() - started) / 1000;
  const own = computeMetrics ? await computeMetrics(output) : {};
  const named = Object.entries(own).map(([name, value]) => [
    name.startsWith(`${prefix}_`) ? name : `${prefix}_${name}`,
    value,
  ]);
  const metrics: LogEntry = {
    ...(counted > 0 ? { [`${prefix}_loss`]: lossSum / counted } : {}),
    ...(Object.fromEntries(named) as LogEntry),
    [`${prefix}_runtime`]: Number(seconds.toFixed(4)),
    [`${prefix}_samples_per_second`]: Number((examples / seconds).toFixed(3)),
    [`${prefix}_steps_per_second`]: Number((steps / seconds).toFixed(3)),
  };
  return { ...output, metrics };
}

/** What was found, each example at its place in the data set. */
function inPlace(found: EvalPrediction, order: readonly number[]): EvalPrediction {
  const placed = <T>(entries: readonly T[]): T[] => {
    const all: T[] = new Array(entries.length);
    entries.forEach((entry, i) => {
      all[order[i]!] = entry;
    });
    return all;
  };
  return {
    predictions: placed(found.predictions),
    shapes: placed(found.shapes),
    labels: placed(found.labels),
    generated: placed(found.generated),
  };
}

/** Loss and logits of one batch. */
export function forwardStep(
  model: TrainableModel,
  batch: Batch,
  options: { keepLogits: boolean; labelSmoothing: number; preprocessLogits?: PreprocessLogits },
): StepPrediction {
  const prediction: StepPrediction = {};
  // Nothing is returned from the tidy: it would look for tensors in every array of a result.
  tf.tidy(() => {
    const inputs = {
      ...batch,
      ...(options.keepLogits ? {} : { outputLogits: false }),
      ...(options.labelSmoothing > 0 ? { labelSmoothing: options.labelSmoothing } : {}),
    };
    const { loss, startLogits, endLogits, ...rest } = (model.forward as unknown as Forward).call(
      model,
      inputs,
    );
    const logits = startLogits && endLogits ? tf.stack([startLogits, endLogits], 1) : rest.logits;
    const value = loss?.dataSync()[0];
    // A batch in which no label counts has no loss: it must not make the mean of all batches NaN.
    if (value !== undefined && !(Number.isNaN(value) && countLabels(batch.labels) === 0))
      prediction.loss = value;
    if (options.keepLogits && logits)
      Object.assign(prediction, rowsOf(options.preprocessLogits?.(logits, batch.labels) ?? logits));
  });
  return prediction;
}

function rowsOf(logits: tf.Tensor): Pick<StepPrediction, 'predictions' | 'shapes'> {
  const [rows = 1, ...shape] = logits.shape;
  const size = logits.size / rows;
  const values = Float32Array.from(logits.dataSync());
  const numbers = Array.from({ length: rows }, (_, row) => row);
  return {
    predictions: numbers.map((row) => values.slice(row * size, (row + 1) * size)),
    shapes: numbers.map(() => shape),
  };
}

function labelRows(labels: unknown): unknown[] {
  if (labels instanceof tf.Tensor) return labels.arraySync() as unknown[];
  return Array.isArray(labels) ? labels : [];
}

export function batchSize(batch: Batch): number {
  const [first] = Object.values(batch);
  if (first instanceof tf.Tensor) return first.shape[0] ?? 1;
  return Array.isArray(first) ? first.length : 1;
}
