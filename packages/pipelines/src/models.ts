/** The models that a task can be given, by what the pipelines need of them, and how each is found. */
import type * as tf from '@tensorflow/tfjs';
import {
  BertForMaskedLM,
  BertForQuestionAnswering,
  BertForSequenceClassification,
  BertForTokenClassification,
  BertModel,
  DistilBertForMaskedLM,
  DistilBertForQuestionAnswering,
  DistilBertForSequenceClassification,
  DistilBertForTokenClassification,
  DistilBertModel,
  type EncoderInputs,
  RobertaForMaskedLM,
  RobertaForQuestionAnswering,
  RobertaForSequenceClassification,
  RobertaForTokenClassification,
  RobertaModel,
} from '@weft/bert';
import type { GenerationOptions, GenerativeModel, StreamStep } from '@weft/generation';
import { GPT2ForSequenceClassification, GPT2LMHeadModel, GPT2Model } from '@weft/gpt2';
import { MarianMTModel } from '@weft/marian';
import { type LoadOptions, ModelRegistry } from '@weft/model';
import { T5ForConditionalGeneration } from '@weft/t5';
import type { ModelConfig } from './encode.js';
import type { TaskName } from './task-names.js';

interface Model {
  readonly config: ModelConfig;
  dispose(): void;
}

/** Gives one row of scores a text: [B, N]. */
export interface SequenceClassifier extends Model {
  forward(inputs: EncoderInputs): { logits: tf.Tensor2D };
}

/** Gives one row of scores a token: [B, T, N], or [B, T, V] of a masked language model. */
export interface TokenClassifier extends Model {
  forward(inputs: EncoderInputs): { logits: tf.Tensor3D };
}

/** Gives the scores of answers' first and last tokens: [B, T] each. */
export interface SpanReader extends Model {
  forward(inputs: EncoderInputs): { startLogits: tf.Tensor2D; endLogits: tf.Tensor2D };
}

/** Gives one vector a token: [B, T, E]. */
export interface FeatureExtractor extends Model {
  forward(inputs: EncoderInputs): { lastHiddenState: tf.Tensor3D };
}

/** Writes token after token: a causal language model, or an encoder-decoder. */
export interface TextWriter extends Model, GenerativeModel {
  generate(inputIds: readonly (readonly number[])[], options?: GenerationOptions): Promise<number[][]>;
  generateStream(
    inputIds: readonly (readonly number[])[],
    options?: GenerationOptions,
  ): AsyncGenerator<StreamStep, void, void>;
}

interface ModelClass<M> {
  new (config: never, source?: never): M;
  readonly architecture: string;
  // What it gives follows from the class that it is called on, which no interface can say.
  fromPretrained(source: string, options?: LoadOptions): Promise<unknown>;
}

function registry<M>(task: TaskName, classes: Readonly<Record<string, ModelClass<M>>>): ModelRegistry<M> {
  const made = new ModelRegistry<M>(task);
  for (const [modelType, each] of Object.entries(classes)) {
    made.register(modelType, each.architecture, async (source, options) => {
      return (await each.fromPretrained(source, options)) as M;
    });
  }
  return made;
}

const causal = { gpt2: GPT2LMHeadModel };
const textToText = {
  t5: T5ForConditionalGeneration,
  mt5: T5ForConditionalGeneration,
  marian: MarianMTModel,
};
const sequenceClassifiers = {
  bert: BertForSequenceClassification,
  distilbert: DistilBertForSequenceClassification,
  roberta: RobertaForSequenceClassification,
  gpt2: GPT2ForSequenceClassification,
};

/** Who answers which task. */
export interface TaskModels {
  'text-generation': TextWriter;
  'text-classification': SequenceClassifier;
  'question-answering': SpanReader;
  'fill-mask': TokenClassifier;
  'token-classification': TokenClassifier;
  'feature-extraction': FeatureExtractor;
  'zero-shot-classification': SequenceClassifier;
  translation: TextWriter;
  summarization: TextWriter;
  'text2text-generation': TextWriter;
}

/**
 * The model classes of each task, chosen by a checkpoint's config.json. `register` adds a family of your own.
 *
 * @example
 * ```ts no-run
 * import { taskModels } from '@weft/pipelines';
 *
 * taskModels['text-generation'].register('mine', 'MyLMHeadModel', (source, options) =>
 *   MyLMHeadModel.fromPretrained(source, options),
 * );
 * ```
 */
export const taskModels: { readonly [T in TaskName]: ModelRegistry<TaskModels[T]> } = {
  'text-generation': registry<TextWriter>('text-generation', causal),
  'text-classification': registry<SequenceClassifier>('text-classification', sequenceClassifiers),
  'question-answering': registry<SpanReader>('question-answering', {
    bert: BertForQuestionAnswering,
    distilbert: DistilBertForQuestionAnswering,
    roberta: RobertaForQuestionAnswering,
  }),
  'fill-mask': registry<TokenClassifier>('fill-mask', {
    bert: BertForMaskedLM,
    distilbert: DistilBertForMaskedLM,
    roberta: RobertaForMaskedLM,
  }),
  'token-classification': registry<TokenClassifier>('token-classification', {
    bert: BertForTokenClassification,
    distilbert: DistilBertForTokenClassification,
    roberta: RobertaForTokenClassification,
  }),
  'feature-extraction': registry<FeatureExtractor>('feature-extraction', {
    bert: BertModel,
    distilbert: DistilBertModel,
    roberta: RobertaModel,
    gpt2: GPT2Model,
  }),
  'zero-shot-classification': registry<SequenceClassifier>('zero-shot-classification', sequenceClassifiers),
  translation: registry<TextWriter>('translation', textToText),
  summarization: registry<TextWriter>('summarization', textToText),
  'text2text-generation': registry<TextWriter>('text2text-generation', textToText),
};
