/** The types that follow from a task's name. */
import type { AnyModel, BasePipeline } from './call.js';
import type { FeatureExtractionPipeline } from './feature-extraction.js';
import type { CallOptions } from './options.js';
import type { TextClassificationPipeline } from './text-classification.js';
import type { TextGenerationPipeline } from './text-generation.js';

/** What each task's `pipeline` gives. */
export interface PipelineTasks {
  'text-generation': TextGenerationPipeline;
  'text-classification': TextClassificationPipeline;
  'sentiment-analysis': TextClassificationPipeline;
  'feature-extraction': FeatureExtractionPipeline;
}

/** Every name of a task; `translation_en_to_de` and its like too. */
export type PipelineTask = keyof PipelineTasks;

/** The pipeline of a task. */
export type PipelineOf<T extends PipelineTask> = PipelineTasks[T];

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
