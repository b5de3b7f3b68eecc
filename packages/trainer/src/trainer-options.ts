import type { TrainingArguments } from './arguments.js';
import type { TrainerCallback } from './callbacks.js';
import type { DataCollator, Dataset, IterableDataset } from './dataset.js';
import type { ComputeMetrics, PreprocessLogits } from './evaluation.js';
import type { LogEntry } from './state.js';
import type { TrainableModel } from './training-step.js';

export interface TrainerOptions<Example> {
  model: TrainableModel;
  args: TrainingArguments;
  trainDataset?: Dataset<Example> | IterableDataset<Example>;
  evalDataset?: Dataset<Example> | IterableDataset<Example>;
  /** Default: puts examples of one shape together. */
  dataCollator?: DataCollator<Example>;
  computeMetrics?: ComputeMetrics;
  preprocessLogitsForMetrics?: PreprocessLogits;
  callbacks?: readonly TrainerCallback[];
  /** A parameter's multiple of the learning rate, by its key: what PyTorch's parameter groups are for. Default: 1. */
  learningRateFactor?: (key: string) => number;
  /** The order of examples in an epoch, the same each time it is asked. Default: shuffled, or grouped by length. */
  sampler?: (epoch: number) => readonly number[];
}

export interface TrainOptions {
  /** A checkpoint's folder, or true for the newest in outputDir. Default: the arguments' resumeFromCheckpoint. */
  resumeFromCheckpoint?: string | boolean;
  /** Saves a checkpoint and stops after the step under way. */
  signal?: AbortSignal;
}

export interface TrainOutput {
  globalStep: number;
  /** Mean loss over all steps. */
  trainingLoss: number;
  metrics: LogEntry;
}
