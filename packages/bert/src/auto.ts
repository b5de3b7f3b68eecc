/**
 * Loaders that choose the class by config.json's architectures and model_type. `register` adds a class of
 * another family.
 */
import { ModelRegistry } from '@weft/model';
import type { HeadLoadOptions } from './config.js';
import {
  DistilBertForMaskedLM,
  DistilBertForQuestionAnswering,
  DistilBertForSequenceClassification,
  DistilBertForTokenClassification,
  DistilBertModel,
} from './distilbert.js';
import {
  BertForMaskedLM,
  BertForMultipleChoice,
  BertForNextSentencePrediction,
  BertForPreTraining,
  BertForQuestionAnswering,
  BertForSequenceClassification,
  BertForTokenClassification,
} from './heads.js';
import { BertModel } from './modeling.js';
import {
  RobertaForMaskedLM,
  RobertaForMultipleChoice,
  RobertaForQuestionAnswering,
  RobertaForSequenceClassification,
  RobertaForTokenClassification,
  RobertaModel,
} from './roberta.js';

interface Loadable<M> {
  readonly architecture: string;
  fromPretrained(source: string, options?: HeadLoadOptions): Promise<M>;
}

function registry<M>(task: string, classes: Record<string, Loadable<M>>): ModelRegistry<M, HeadLoadOptions> {
  const made = new ModelRegistry<M, HeadLoadOptions>(task);
  for (const [modelType, each] of Object.entries(classes)) {
    made.register(modelType, each.architecture, (source, options) => each.fromPretrained(source, options));
  }
  return made;
}

/** Models without a head, for hidden states. */
export const AutoModel = registry<BertModel | DistilBertModel | RobertaModel>('hidden states', {
  bert: BertModel,
  distilbert: DistilBertModel,
  roberta: RobertaModel,
});

export const AutoModelForMaskedLM = registry<BertForMaskedLM | DistilBertForMaskedLM | RobertaForMaskedLM>(
  'masked language modelling',
  { bert: BertForMaskedLM, distilbert: DistilBertForMaskedLM, roberta: RobertaForMaskedLM },
);

/**
 * @example
 * ```ts no-run
 * import { AutoModelForSequenceClassification } from '@weft/bert';
 *
 * const model = await AutoModelForSequenceClassification.fromPretrained('bert-base-uncased', { numLabels: 3 });
 * ```
 */
export const AutoModelForSequenceClassification = registry<
  BertForSequenceClassification | DistilBertForSequenceClassification | RobertaForSequenceClassification
>('sequence classification', {
  bert: BertForSequenceClassification,
  distilbert: DistilBertForSequenceClassification,
  roberta: RobertaForSequenceClassification,
});

export const AutoModelForTokenClassification = registry<
  BertForTokenClassification | DistilBertForTokenClassification | RobertaForTokenClassification
>('token classification', {
  bert: BertForTokenClassification,
  distilbert: DistilBertForTokenClassification,
  roberta: RobertaForTokenClassification,
});

export const AutoModelForQuestionAnswering = registry<
  BertForQuestionAnswering | DistilBertForQuestionAnswering | RobertaForQuestionAnswering
>('question answering', {
  bert: BertForQuestionAnswering,
  distilbert: DistilBertForQuestionAnswering,
  roberta: RobertaForQuestionAnswering,
});

export const AutoModelForMultipleChoice = registry<BertForMultipleChoice | RobertaForMultipleChoice>(
  'multiple choice',
  { bert: BertForMultipleChoice, roberta: RobertaForMultipleChoice },
);

export const AutoModelForNextSentencePrediction = registry<BertForNextSentencePrediction>(
  'next sentence prediction',
  { bert: BertForNextSentencePrediction },
);

export const AutoModelForPreTraining = registry<
  BertForPreTraining | DistilBertForMaskedLM | RobertaForMaskedLM
>('pre-training', {
  bert: BertForPreTraining,
  distilbert: DistilBertForMaskedLM,
  roberta: RobertaForMaskedLM,
});
