export type { AnyModel, BasePipeline, Parts } from './call.js';
export type { Chat } from './chat-prompt.js';
export { setDefaultModels } from './defaults.js';
export type { LengthOptions } from './encode.js';
export type { AggregationStrategy, EntityGroup, TokenEntity } from './entities.js';
export type {
  FeatureExtractionOptions,
  FeatureExtractionPipeline,
} from './feature-extraction.js';
export type { FillMaskOptions, FillMaskPipeline, MaskFilling, MaskFillings } from './fill-mask.js';
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
export type { QuestionAnsweringOptions, QuestionAnsweringPipeline } from './question-answering.js';
export type { Question } from './question-windows.js';
export type { Answer } from './spans.js';
export type { SummarizationPipeline, Summary, SummaryIds } from './summarization.js';
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
export type { OneText, TextOrTexts, TextToTextOptions } from './text-to-text.js';
export type { Text2TextGenerationPipeline } from './text2text-generation.js';
export type { TokenClassificationOptions, TokenClassificationPipeline } from './token-classification.js';
export type {
  Translation,
  TranslationIds,
  TranslationOptions,
  TranslationPipeline,
} from './translation.js';
export type {
  GenerationCall,
  StreamedToken,
  StreamTokensOptions,
  TokenAlternative,
} from './writing.js';
export type {
  ZeroShotClassification,
  ZeroShotClassificationOptions,
  ZeroShotClassificationPipeline,
} from './zero-shot-classification.js';
