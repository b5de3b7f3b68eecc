import * as tf from '@tensorflow/tfjs';
import type { Batch } from './dataset.js';
import type { LogEntry } from './state.js';
import type { TrainableModel } from './trainer.js';

/** What metrics are computed from: one entry an example, in the order of the data set. */
export interface EvalPrediction {
  /** The logits of each example, flattened. */
  predictions: Float32Array[];
  /** The shape of each example's logits. */
  shapes: number[][];
  /** The labels of each example as the collator gave them. */
  labels: unknown[];
}

export type ComputeMetrics = (
  prediction: EvalPrediction,
) => Record<string, number> | Promise<Record<string, number>>;

export interface PredictionOutput extends EvalPrediction {
  metrics: LogEntry;
}

interface LoopOptions {
  prefix: string;
  keepPredictions: boolean;
  computeMetrics?: ComputeMetrics;
  onStep: (done: number) => Promise<void>;
}

type Forward = (inputs: object) => { loss?: tf.Scalar; logits?: tf.Tensor };

/** Runs a model over batches without training it: mean loss over the examples, and metrics. */
export async function evaluationLoop(
  model: TrainableModel,
  batchCount: number,
  batchAt: (index: number) => Batch,
  { prefix, keepPredictions, computeMetrics, onStep }: LoopOptions,
): Promise<PredictionOutput> {
  const output: EvalPrediction = { predictions: [], shapes: [], labels: [] };
  const wasTraining = model.training;
  const started = performance.now();
  let lossSum = 0;
  let counted = 0;
  let examples = 0;
  model.eval();
  for (let index = 0; index < batchCount; index++) {
    const batch = batchAt(index);
    tf.tidy(() => {
      const inputs = keepPredictions ? batch : { ...batch, outputLogits: false };
      const { loss, logits } = (model.forward as unknown as Forward).call(model, inputs);
      const size = batchSize(batch);
      examples += size;
      if (loss) {
        lossSum += loss.dataSync()[0]! * size;
        counted += size;
      }
      if (keepPredictions && logits) keep(output, logits, batch);
    });
    await onStep(index + 1);
    await tf.nextFrame();
  }
  model.train(wasTraining);
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
  };
  return { ...output, metrics };
}

function batchSize(batch: Batch): number {
  const [first] = Object.values(batch);
  if (first instanceof tf.Tensor) return first.shape[0] ?? 1;
  return Array.isArray(first) ? first.length : 1;
}

function keep(output: EvalPrediction, logits: tf.Tensor, batch: Batch): void {
  const [rows = 1, ...shape] = logits.shape;
  const size = logits.size / rows;
  const values = logits.dataSync() as Float32Array;
  const labels =
    batch.labels instanceof tf.Tensor ? (batch.labels.arraySync() as unknown[]) : (batch.labels as unknown[]);
  for (let row = 0; row < rows; row++) {
    output.predictions.push(values.slice(row * size, (row + 1) * size));
    output.shapes.push(shape);
    if (labels) output.labels.push(labels[row]);
  }
}
