/**
 * BERT's heads. Field names are the checkpoint's.
 *
 * B batch, T positions, E width, V vocabulary, N classes, C choices.
 */
import tf = require('@tensorflow/tfjs');

import {
  type Activation,
  type Dropout,
  type LayerNorm,
  Linear,
  Module,
  normal,
  type Scope,
  zeros,
} from '@weft/attention';
import { type ModelSource, scopeOf } from '@weft/model';
import { activationOf, type BertConfig, labelCount } from './config.js';
import {
  type ClassificationInputs,
  type ClassificationOutputs,
  classifierDropout,
  extras,
  flattenChoices,
  type HeadOutputs,
  type MaskedLMInputs,
  type MaskedLMOutputs,
  type MultipleChoiceInputs,
  type QuestionAnsweringInputs,
  type QuestionAnsweringOutputs,
  splitSpan,
  type TokenClassificationInputs,
  type TokenClassificationOutputs,
  type WithLogits,
} from './head-types.js';
import { tidy } from './inputs.js';
import {
  type ClassLabels,
  classificationLoss,
  maskedLanguageModeling,
  singleLabelLoss,
  spanLoss,
  tokenLoss,
} from './losses.js';
import { BertModel, BertPreTrainedModel, dense, norm } from './modeling.js';

class PredictionTransform extends Module {
  readonly dense: Linear;
  readonly LayerNorm: LayerNorm;
  readonly activation: Activation;

  constructor(scope: Scope, config: BertConfig) {
    super();
    this.dense = dense(scope.child('dense'), config, config.hidden_size);
    this.LayerNorm = norm(scope.child('LayerNorm'), config);
    this.activation = activationOf(config.hidden_act);
  }

  forward(rows: tf.Tensor): tf.Tensor {
    return this.LayerNorm.forward(this.dense.forward(rows, this.activation)); // [R, E]
  }
}

class Predictions extends Module {
  readonly bias: tf.Variable;
  readonly transform: PredictionTransform;
  /** Only where the configuration does not tie it to the word embeddings. */
  readonly decoder?: Linear;

  constructor(scope: Scope, config: BertConfig) {
    super();
    this.bias = scope.parameter('bias', [config.vocab_size], zeros);
    this.transform = new PredictionTransform(scope.child('transform'), config);
    if (!config.tie_word_embeddings) {
      this.decoder = new Linear(scope.child('decoder'), {
        inFeatures: config.hidden_size,
        outFeatures: config.vocab_size,
        bias: false,
        initialize: normal(config.initializer_range),
      });
    }
  }

  forward(hidden: tf.Tensor3D, bert: BertModel, options: Omit<MaskedLMInputs, 'inputIds'>): MaskedLMOutputs {
    return maskedLanguageModeling({
      hidden,
      transform: (rows) => this.transform.forward(rows),
      weight: (this.decoder ?? bert.embeddings.word_embeddings).weight,
      bias: this.bias,
      labels: options.labels,
      outputLogits: options.outputLogits,
      labelSmoothing: options.labelSmoothing,
    });
  }
}

/** `cls` of a checkpoint: the parts that pre-training needs. */
class PreTrainingHeads extends Module {
  readonly predictions?: Predictions;
  readonly seq_relationship?: Linear;

  constructor(
    scope: Scope,
    config: BertConfig,
    { words, sentences }: { words: boolean; sentences: boolean },
  ) {
    super();
    if (words) this.predictions = new Predictions(scope.child('predictions'), config);
    if (sentences) this.seq_relationship = dense(scope.child('seq_relationship'), config, 2);
  }
}

const headKeys = [/(^|\.)pooler\./, /^(cls|classifier|qa_outputs)\./];
const tiedKeys = [/^cls\.predictions\.decoder\.weight$/];

abstract class BertWithHead extends BertPreTrainedModel {
  static override readonly headKeys: readonly RegExp[] = headKeys;
  static readonly tiedKeys: readonly RegExp[] = tiedKeys;
}

/**
 * BERT that fills in masked words.
 *
 * @example
 * ```ts
 * import { BertForMaskedLM, bertConfigSchema } from '@weft/bert';
 *
 * const config = bertConfigSchema.parse({
 *   vocab_size: 50, hidden_size: 32, num_hidden_layers: 2, num_attention_heads: 4, intermediate_size: 64,
 * });
 * using model = new BertForMaskedLM(config, { seed: 1 });
 * const { logits, loss } = model.forward({ inputIds: [[2, 4, 9, 3]], labels: [[-100, 7, -100, -100]] });
 * console.assert(logits.shape.join() === '1,4,50' && loss!.dataSync()[0] > 0);
 * ```
 */
export class BertForMaskedLM extends BertWithHead {
  static readonly architecture = 'BertForMaskedLM';

  readonly bert: BertModel;
  readonly cls: PreTrainingHeads;

  constructor(config: BertConfig, source: ModelSource = {}) {
    super(config);
    const scope = scopeOf(source);
    this.bert = new BertModel(config, scope.child('bert'), { addPooling: false });
    this.cls = new PreTrainingHeads(scope.child('cls'), config, { words: true, sentences: false });
  }

  forward(inputs: MaskedLMInputs & { outputLogits: false }): MaskedLMOutputs;
  forward(inputs: MaskedLMInputs): WithLogits<MaskedLMOutputs>;
  forward(inputs: MaskedLMInputs): MaskedLMOutputs {
    return tidy(() => {
      const out = this.bert.forward(inputs);
      return { ...this.cls.predictions!.forward(out.lastHiddenState, this.bert, inputs), ...extras(out) };
    });
  }
}

/** BERT that says whether the second text follows the first: logits [B, 2], class 0 for "it does". */
export class BertForNextSentencePrediction extends BertWithHead {
  static readonly architecture = 'BertForNextSentencePrediction';

  readonly bert: BertModel;
  readonly cls: PreTrainingHeads;

  constructor(config: BertConfig, source: ModelSource = {}) {
    super(config);
    const scope = scopeOf(source);
    this.bert = new BertModel(config, scope.child('bert'));
    this.cls = new PreTrainingHeads(scope.child('cls'), config, { words: false, sentences: true });
  }

  forward({ labels, labelSmoothing, ...inputs }: ClassificationInputs): ClassificationOutputs {
    return tidy(() => {
      const out = this.bert.forward(inputs, { firstTokenOnly: true });
      const logits = this.cls.seq_relationship!.forward(out.poolerOutput!) as tf.Tensor2D; // [B, 2]
      const loss = labels ? singleLabelLoss(logits, labels, { labelSmoothing }) : undefined;
      return { ...(loss ? { loss } : {}), logits, ...extras(out) };
    });
  }
}

export interface PreTrainingInputs extends MaskedLMInputs {
  /** [B]: 0 where the second text follows the first */
  nextSentenceLabel?: ClassLabels;
}
export interface PreTrainingOutputs extends HeadOutputs {
  /** [B, T, V]; present unless `outputLogits` is false. */
  predictionLogits?: tf.Tensor3D;
  /** [B, 2] */
  seqRelationshipLogits: tf.Tensor2D;
}

/** BERT as it was pre-trained: masked words and next sentences, the losses added. */
export class BertForPreTraining extends BertWithHead {
  static readonly architecture = 'BertForPreTraining';

  readonly bert: BertModel;
  readonly cls: PreTrainingHeads;

  constructor(config: BertConfig, source: ModelSource = {}) {
    super(config);
    const scope = scopeOf(source);
    this.bert = new BertModel(config, scope.child('bert'));
    this.cls = new PreTrainingHeads(scope.child('cls'), config, { words: true, sentences: true });
  }

  forward({ nextSentenceLabel, ...inputs }: PreTrainingInputs): PreTrainingOutputs {
    return tidy(() => {
      const out = this.bert.forward(inputs);
      const words = this.cls.predictions!.forward(out.lastHiddenState, this.bert, inputs);
      const sentences = this.cls.seq_relationship!.forward(out.poolerOutput!) as tf.Tensor2D; // [B, 2]
      const loss =
        words.loss && nextSentenceLabel
          ? tf.add<tf.Scalar>(words.loss, singleLabelLoss(sentences, nextSentenceLabel))
          : undefined;
      return {
        ...(loss ? { loss } : {}),
        ...(words.logits ? { predictionLogits: words.logits } : {}),
        seqRelationshipLogits: sentences,
        ...extras(out),
      };
    });
  }
}

/**
 * BERT that sorts texts into classes, or gives each a number.
 *
 * @example
 * ```ts
 * import { BertForSequenceClassification, bertConfigSchema } from '@weft/bert';
 *
 * const config = bertConfigSchema.parse({
 *   vocab_size: 50, hidden_size: 32, num_hidden_layers: 2, num_attention_heads: 4, intermediate_size: 64,
 *   id2label: { 0: 'bad', 1: 'good' },
 * });
 * using model = new BertForSequenceClassification(config, { seed: 1 });
 * const inputIds = [[2, 4, 9, 3], [2, 6, 3, 0]];
 * const attentionMask = [[1, 1, 1, 1], [1, 1, 1, 0]];
 * const { logits, loss } = model.forward({ inputIds, attentionMask, labels: [0, 1] });
 * console.assert(logits.shape.join() === '2,2' && loss!.dataSync()[0] > 0);
 * ```
 */
export class BertForSequenceClassification extends BertWithHead {
  static readonly architecture = 'BertForSequenceClassification';

  readonly bert: BertModel;
  readonly dropout: Dropout;
  readonly classifier: Linear;

  constructor(config: BertConfig, source: ModelSource = {}) {
    super(config);
    const scope = scopeOf(source);
    this.bert = new BertModel(config, scope.child('bert'));
    this.dropout = classifierDropout(config);
    this.classifier = dense(scope.child('classifier'), config, labelCount(config));
  }

  forward({ labels, labelSmoothing, ...inputs }: ClassificationInputs): ClassificationOutputs {
    return tidy(() => {
      const out = this.bert.forward(inputs, { firstTokenOnly: true });
      const logits = this.classifier.forward(this.dropout.forward(out.poolerOutput!)) as tf.Tensor2D; // [B, N]
      const loss = labels
        ? classificationLoss(logits, labels, this.config.problem_type, { labelSmoothing })
        : undefined;
      return { ...(loss ? { loss } : {}), logits, ...extras(out) };
    });
  }
}

/** BERT that gives every token a class, as for named entities. */
export class BertForTokenClassification extends BertWithHead {
  static readonly architecture = 'BertForTokenClassification';

  readonly bert: BertModel;
  readonly dropout: Dropout;
  readonly classifier: Linear;

  constructor(config: BertConfig, source: ModelSource = {}) {
    super(config);
    const scope = scopeOf(source);
    this.bert = new BertModel(config, scope.child('bert'), { addPooling: false });
    this.dropout = classifierDropout(config);
    this.classifier = dense(scope.child('classifier'), config, labelCount(config));
  }

  forward({ labels, labelSmoothing, ...inputs }: TokenClassificationInputs): TokenClassificationOutputs {
    return tidy(() => {
      const out = this.bert.forward(inputs);
      const logits = this.classifier.forward(this.dropout.forward(out.lastHiddenState)) as tf.Tensor3D; // [B, T, N]
      const loss = labels ? tokenLoss(logits, labels, { labelSmoothing }) : undefined;
      return { ...(loss ? { loss } : {}), logits, ...extras(out) };
    });
  }
}

/** BERT that finds where in a text an answer starts and ends. */
export class BertForQuestionAnswering extends BertWithHead {
  static readonly architecture = 'BertForQuestionAnswering';

  readonly bert: BertModel;
  readonly qa_outputs: Linear;

  constructor(config: BertConfig, source: ModelSource = {}) {
    super(config);
    const scope = scopeOf(source);
    this.bert = new BertModel(config, scope.child('bert'), { addPooling: false });
    this.qa_outputs = dense(scope.child('qa_outputs'), config, 2);
  }

  forward({ startPositions, endPositions, ...inputs }: QuestionAnsweringInputs): QuestionAnsweringOutputs {
    return tidy(() => {
      const out = this.bert.forward(inputs);
      const { startLogits, endLogits } = splitSpan(this.qa_outputs.forward(out.lastHiddenState));
      const loss =
        startPositions && endPositions
          ? spanLoss(startLogits, endLogits, startPositions, endPositions)
          : undefined;
      return { ...(loss ? { loss } : {}), startLogits, endLogits, ...extras(out) };
    });
  }
}

/** BERT that chooses among C texts: inputs [B, C, T], logits [B, C]. */
export class BertForMultipleChoice extends BertWithHead {
  static readonly architecture = 'BertForMultipleChoice';

  readonly bert: BertModel;
  readonly dropout: Dropout;
  readonly classifier: Linear;

  constructor(config: BertConfig, source: ModelSource = {}) {
    super(config);
    const scope = scopeOf(source);
    this.bert = new BertModel(config, scope.child('bert'));
    this.dropout = classifierDropout(config);
    this.classifier = dense(scope.child('classifier'), config, 1);
  }

  forward({ labels, labelSmoothing, ...inputs }: MultipleChoiceInputs): ClassificationOutputs {
    return tidy(() => {
      const { rows, choices } = flattenChoices(inputs);
      const { poolerOutput } = this.bert.forward(rows, { firstTokenOnly: true }); // [B * C, E]
      const scores = this.classifier.forward(this.dropout.forward(poolerOutput!)); // [B * C, 1]
      const logits = scores.reshape([-1, choices]) as tf.Tensor2D; // [B, C]
      const loss = labels ? singleLabelLoss(logits, labels, { labelSmoothing }) : undefined;
      return { ...(loss ? { loss } : {}), logits };
    });
  }
}
