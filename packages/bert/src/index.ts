export {
  AutoModel,
  AutoModelForMaskedLM,
  AutoModelForMultipleChoice,
  AutoModelForNextSentencePrediction,
  AutoModelForPreTraining,
  AutoModelForQuestionAnswering,
  AutoModelForSequenceClassification,
  AutoModelForTokenClassification,
} from './auto.js';
export {
  type BertConfig,
  bertConfigSchema,
  type DistilBertConfig,
  distilBertConfigSchema,
  type HeadLoadOptions,
  type ProblemType,
  type RobertaConfig,
  robertaConfigSchema,
} from './config.js';
export {
  DistilBertForMaskedLM,
  DistilBertForQuestionAnswering,
  DistilBertForSequenceClassification,
  DistilBertForTokenClassification,
  DistilBertModel,
} from './distilbert.js';
export type {
  ChoiceRows,
  ClassificationInputs,
  ClassificationOutputs,
  MaskedLMInputs,
  MaskedLMOutputs,
  MultipleChoiceInputs,
  QuestionAnsweringInputs,
  QuestionAnsweringOutputs,
  TokenClassificationInputs,
  TokenClassificationOutputs,
} from './head-types.js';
export {
  BertForMaskedLM,
  BertForMultipleChoice,
  BertForNextSentencePrediction,
  BertForPreTraining,
  BertForQuestionAnswering,
  BertForSequenceClassification,
  BertForTokenClassification,
  type PreTrainingInputs,
  type PreTrainingOutputs,
} from './heads.js';
export type { AskedTokens, EncoderInputs, EncoderOutputs, Rows } from './inputs.js';
export type { ClassLabels } from './losses.js';
export { BertModel } from './modeling.js';
export {
  RobertaForMaskedLM,
  RobertaForMultipleChoice,
  RobertaForQuestionAnswering,
  RobertaForSequenceClassification,
  RobertaForTokenClassification,
  RobertaModel,
} from './roberta.js';
export {
  type Pooling,
  SentenceEncoder,
  type SentenceEncoderOptions,
  type SentenceTokenizer,
} from './sentence-encoder.js';
