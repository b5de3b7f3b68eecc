export {
  type IntervalStrategy,
  type ResolvedArguments,
  resolveArguments,
  type TrainingArguments,
} from './arguments.js';
export {
  type CallbackContext,
  EarlyStoppingCallback,
  type TrainerCallback,
  type TrainerControl,
} from './callbacks.js';
export { listCheckpoints } from './checkpoints.js';
export {
  dataCollatorForLanguageModeling,
  dataCollatorForSeq2Seq,
  dataCollatorWithPadding,
  defaultDataCollator,
  type LanguageModelingOptions,
  type PaddingOptions,
  type PaddingTokenizer,
  type Seq2SeqOptions,
  type TokenizedExample,
} from './collators.js';
export { type Batch, type DataCollator, type Dataset, packIntoBlocks } from './dataset.js';
export type { ComputeMetrics, EvalPrediction, PredictionOutput } from './evaluation.js';
export { type BleuScore, bleu, tokenize13a } from './metrics/bleu.js';
export {
  type Average,
  accuracy,
  argMaxRows,
  matthewsCorrelation,
  type PrecisionRecallF1,
  perplexity,
  precisionRecallF1,
} from './metrics/classification.js';
export { answerF1, exactMatch, normalizeAnswer, squadMetrics } from './metrics/squad.js';
export { AdamW, decayedKeys, type OptimizerOptions } from './optimizer.js';
export { duration } from './progress.js';
export { lengthGroupedOrder, shuffledOrder } from './samplers.js';
export {
  learningRateSchedule,
  type Schedule,
  type ScheduleOptions,
  type SchedulerType,
  schedulerTypes,
} from './schedules.js';
export { type LogEntry, stateFromJson, stateToJson, type TrainerState } from './state.js';
export { EventFileWriter } from './tensorboard.js';
export {
  type TrainableModel,
  Trainer,
  type TrainerOptions,
  type TrainOptions,
  type TrainOutput,
} from './trainer.js';
