export type { AnyModel, BasePipeline, Parts } from './call.js';
export type { Chat } from './chat-prompt.js';
export { setDefaultModels } from './defaults.js';
export type { LengthOptions } from './encode.js';
export type {
  FeatureExtractionOptions,
  FeatureExtractionPipeline,
} from './feature-extraction.js';
export type { Activation } from './labels.js';
export {
  type FeatureExtractor,
  type SequenceClassifier,
  type SpanReader,
  type TaskModels,
  type TextWriter,
  type TokenClassifier,
  taskModels,
} from './models.js';
export type { CallOptions, PipelineProgress } from './options.js';
export { type PipelineOptions, pipeline } from './pipeline.js';
export type { AnyPipeline, ModelOf, PipelineOf, PipelineTask, PipelineTasks } from './pipeline-tasks.js';
export { resolveTask, type TaskName, taskNames } from './task-names.js';
export type {
  TextClassification,
  TextClassificationOptions,
  TextClassificationPipeline,
  TextPair,
} from './text-classification.js';
export type {
  GeneratedIds,
  GeneratedText,
  TextGenerationInput,
  TextGenerationOptions,
  TextGenerationPipeline,
} from './text-generation.js';
export type {
  GenerationCall,
  StreamedToken,
  StreamTokensOptions,
  TokenAlternative,
} from './writing.js';
