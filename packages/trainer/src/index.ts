export {
  type IntervalStrategy,
  type LogTarget,
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
  type LanguageModelingOptions,
} from './collators/language-modeling.js';
export {
  dataCollatorWithPadding,
  defaultDataCollator,
  type PaddingOptions,
  type PaddingTokenizer,
  type TokenizedExample,
} from './collators/padding.js';
export { dataCollatorForSeq2Seq, type Seq2SeqOptions } from './collators/seq2seq.js';
export {
  corruptSpans,
  dataCollatorForSpanCorruption,
  noiseMask,
  type SpanCorruptionOptions,
} from './collators/span-corruption.js';
export {
  type Batch,
  type CollateContext,
  type DataCollator,
  type Dataset,
  type IterableDataset,
  packIntoBlocks,
} from './dataset.js';
export type {
  ComputeMetrics,
  EvalPrediction,
  PredictionOutput,
  PreprocessLogits,
  StepPrediction,
} from './evaluation.js';
export { type BleuScore, bleu, tokenize13a } from './metrics/bleu.js';
export { type Calibration, calibration, type ReliabilityBin } from './metrics/calibration.js';
export { type ChrfOptions, chrf } from './metrics/chrf.js';
export {
  type Average,
  accuracy,
  argMaxRows,
  matthewsCorrelation,
  type PrecisionRecallF1,
  perplexity,
  precisionRecallF1,
} from './metrics/classification.js';
export { type EntityScores, type EntitySpan, entityScores, entitySpans } from './metrics/entities.js';
export { type RegressionReport, regressionReport } from './metrics/regression.js';
export {
  type ClassificationReport,
  type ClassScore,
  classificationReport,
  confusionMatrix,
} from './metrics/report.js';
export { type RougeScore, type RougeScores, rouge, rougeOfCorpus } from './metrics/rouge.js';
export { answerF1, exactMatch, normalizeAnswer, squadMetrics } from './metrics/squad.js';
export { AdamW, decayedKeys, type OptimizerOptions } from './optimizer.js';
export { groupByLength, lengthGroupedOrder, shuffledOrder } from './samplers.js';
export {
  learningRateSchedule,
  type Schedule,
  type ScheduleOptions,
  type SchedulerName,
  type SchedulerType,
  schedulerTypes,
} from './schedules.js';
export {
  type GeneratingModel,
  Seq2SeqTrainer,
  type Seq2SeqTrainerOptions,
  type Seq2SeqTrainingArguments,
} from './seq2seq-trainer.js';
export { type CallbackState, type LogEntry, stateFromJson, stateToJson, type TrainerState } from './state.js';
export { EventFileWriter } from './tensorboard.js';
export { Trainer } from './trainer.js';
export type { TrainerOptions, TrainOptions, TrainOutput } from './trainer-options.js';
export type { TrainableModel } from './training-step.js';
