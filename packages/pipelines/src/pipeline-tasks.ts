/** The types that follow from a task's name. */
import type { AnyModel, BasePipeline } from './call.js';
import type { FeatureExtractionPipeline } from './feature-extraction.js';
import type { FillMaskPipeline } from './fill-mask.js';
import type { CallOptions } from './options.js';
import type { QuestionAnsweringPipeline } from './question-answering.js';
import type { SummarizationPipeline } from './summarization.js';
import type { TextClassificationPipeline } from './text-classification.js';
import type { TextGenerationPipeline } from './text-generation.js';
import type { Text2TextGenerationPipeline } from './text2text-generation.js';
import type { TokenClassificationPipeline } from './token-classification.js';
import type { TranslationPipeline } from './translation.js';
import type { ZeroShotClassificationPipeline } from './zero-shot-classification.js';

/** What each task's `pipeline` gives. */
export interface PipelineTasks {
  'text-generation': TextGenerationPipeline;
  'text-classification': TextClassificationPipeline;
  'sentiment-analysis': TextClassificationPipeline;
  'question-answering': QuestionAnsweringPipeline;
  'fill-mask': FillMaskPipeline;
  'token-classification': TokenClassificationPipeline;
  ner: TokenClassificationPipeline;
  'feature-extraction': FeatureExtractionPipeline;
  'zero-shot-classification': ZeroShotClassificationPipeline;
  translation: TranslationPipeline;
  summarization: SummarizationPipeline;
  'text2text-generation': Text2TextGenerationPipeline;
}

type LanguagePair = `translation_${string}_to_${string}`;

/** Every name of a task; `translation_en_to_de` and its like too. */
export type PipelineTask = keyof PipelineTasks | LanguagePair;

/** The pipeline of a task. */
export type PipelineOf<T extends PipelineTask> = T extends keyof PipelineTasks
  ? PipelineTasks[T]
  : TranslationPipeline;

/** The models that a task can be given. */
export type ModelOf<T extends PipelineTask> =
  PipelineOf<T> extends { readonly model: infer M } ? M : AnyModel;

/** A pipeline whose task is only known when the program runs. Its inputs and options are checked all the same. */
export type AnyPipeline = ((
  input: unknown,
  options?: CallOptions & Record<string, unknown>,
) => Promise<unknown>) &
  BasePipeline<unknown, unknown, CallOptions & Record<string, unknown>, AnyModel> & {
    /** Token by token; only of the tasks that write text. */
    streamTokens?: (
      input: unknown,
      options?: CallOptions & Record<string, unknown>,
    ) => AsyncGenerator<unknown, void, void>;
  };
