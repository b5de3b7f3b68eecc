/**
 * RoBERTa (Liu et al., 2019, "RoBERTa: A Robustly Optimized BERT Pretraining Approach"): BERT's encoder with
 * positions that start after the padding's id and skip padding, and heads of its own.
 *
 * B batch, T positions, E width, V vocabulary, N classes. Field names are the checkpoint's.
 */
import tf = require('@tensorflow/tfjs');

import {
  activation,
  type Dropout,
  idTensor,
  type LayerNorm,
  Linear,
  Module,
  normal,
  type Scope,
  zeros,
} from '@weft/attention';
import { loadPretrained, type ModelClass, type ModelSource, PretrainedModel, scopeOf } from '@weft/model';
import {
  type HeadLoadOptions,
  headOptions,
  labelCount,
  type RobertaConfig,
  robertaConfigSchema,
  robertaKeyMap,
} from './config.js';
import {
  type ClassificationInputs,
  type ClassificationOutputs,
  classifierDropout,
  extras,
  flattenChoices,
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
import {
  type AskedTokens,
  checkLength,
  type EncoderInputs,
  type EncoderOutputs,
  firstToken,
  tidy,
} from './inputs.js';
import {
  classificationLoss,
  maskedLanguageModeling,
  singleLabelLoss,
  spanLoss,
  tokenLoss,
} from './losses.js';
import { BertEmbeddings, BertEncoder, BertPooler, dense, norm } from './modeling.js';

/** What all of RoBERTa's models share: how they are loaded. */
export abstract class RobertaPreTrainedModel extends PretrainedModel<RobertaConfig> {
  readonly supportsGradientCheckpointing = true;
  static readonly configSchema = robertaConfigSchema;
  static readonly keyMap = robertaKeyMap;
  static readonly headKeys: readonly RegExp[] = [/(^|\.)pooler\./, /^(lm_head|classifier|qa_outputs)\./];
  // The decoder's bias is lm_head.bias once more.
  static readonly tiedKeys: readonly RegExp[] = [/^lm_head\.decoder\.(weight|bias)$/];

  /** Loads a folder or a model of the hub; as BERT's. */
  static fromPretrained<M extends PretrainedModel<RobertaConfig>>(
    this: ModelClass<M, RobertaConfig>,
    source: string,
    options: HeadLoadOptions = {},
  ): Promise<M> {
    // biome-ignore lint/complexity/noThisInStatic: `this` is the class that was asked to load, with its head.
    return loadPretrained(this, source, headOptions(options));
  }
}

/** Positions [B, T]: padding + 1, padding + 2, ... for tokens, the padding's id for padding. */
function positionsOf(ids: tf.Tensor2D, padding: number): tf.Tensor2D {
  const [batch, length] = ids.shape;
  const values = ids.dataSync();
  const positions = new Int32Array(values.length);
  for (let b = 0; b < batch; b++) {
    let position = padding;
    for (let i = b * length; i < (b + 1) * length; i++) {
      positions[i] = values[i] === padding ? padding : ++position;
    }
  }
  return tf.tensor2d(positions, [batch, length], 'int32');
}

/** RoBERTa without a head. */
export class RobertaModel extends RobertaPreTrainedModel {
  static readonly architecture = 'RobertaModel';

  readonly embeddings: BertEmbeddings;
  readonly encoder: BertEncoder;
  readonly pooler?: BertPooler;

  constructor(config: RobertaConfig, source: ModelSource = {}, { addPooling = true } = {}) {
    super(config);
    const scope = scopeOf(source);
    this.embeddings = new BertEmbeddings(scope.child('embeddings'), config, config.pad_token_id);
    this.encoder = new BertEncoder(scope.child('encoder'), config);
    if (addPooling) this.pooler = new BertPooler(scope.child('pooler'), config);
  }

  forward(inputs: EncoderInputs, asked?: AskedTokens): EncoderOutputs {
    return tidy(() => {
      const { pad_token_id: padding, max_position_embeddings: numPositions } = this.config;
      const ids = idTensor(inputs.inputIds); // [B, T]
      checkLength('RobertaModel', ids.shape[1], numPositions - padding - 1);
      const positions = inputs.positionIds
        ? idTensor(inputs.positionIds, 'positionIds')
        : positionsOf(ids, padding);
      const types = inputs.tokenTypeIds
        ? idTensor(inputs.tokenTypeIds, 'tokenTypeIds')
        : tf.zeros<tf.Rank.R2>([1, ids.shape[1]], 'int32');
      const out = this.encoder.forward(this.embeddings.forward(ids, positions, types), inputs, asked);
      return this.pooler ? { ...out, poolerOutput: this.pooler.forward(out.lastHiddenState) } : out;
    });
  }
}

class LMHead extends Module {
  readonly dense: Linear;
  readonly layer_norm: LayerNorm;
  readonly bias: tf.Variable;
  /** Only where the configuration does not tie it to the word embeddings. */
  readonly decoder?: Linear;

  constructor(scope: Scope, config: RobertaConfig) {
    super();
    this.dense = dense(scope.child('dense'), config, config.hidden_size);
    this.layer_norm = norm(scope.child('layer_norm'), config);
    this.bias = scope.parameter('bias', [config.vocab_size], zeros);
    if (!config.tie_word_embeddings) {
      this.decoder = new Linear(scope.child('decoder'), {
        inFeatures: config.hidden_size,
        outFeatures: config.vocab_size,
        bias: false,
        initialize: normal(config.initializer_range),
      });
    }
  }

  transform(rows: tf.Tensor): tf.Tensor {
    // GELU whatever the configuration's activation is, as in the original.
    return this.layer_norm.forward(activation(this.dense.forward(rows), 'gelu')); // [R, E]
  }
}

/** RoBERTa that fills in masked words. */
export class RobertaForMaskedLM extends RobertaPreTrainedModel {
  static readonly architecture = 'RobertaForMaskedLM';

  readonly roberta: RobertaModel;
  readonly lm_head: LMHead;

  constructor(config: RobertaConfig, source: ModelSource = {}) {
    super(config);
    const scope = scopeOf(source);
    this.roberta = new RobertaModel(config, scope.child('roberta'), { addPooling: false });
    this.lm_head = new LMHead(scope.child('lm_head'), config);
  }

  forward(inputs: MaskedLMInputs & { outputLogits: false }): MaskedLMOutputs;
  forward(inputs: MaskedLMInputs): WithLogits<MaskedLMOutputs>;
  forward({ labels, outputLogits, labelSmoothing, ...inputs }: MaskedLMInputs): MaskedLMOutputs {
    return tidy(() => {
      const out = this.roberta.forward(inputs);
      const predictions = maskedLanguageModeling({
        hidden: out.lastHiddenState,
        transform: (rows) => this.lm_head.transform(rows),
        weight: (this.lm_head.decoder ?? this.roberta.embeddings.word_embeddings).weight,
        bias: this.lm_head.bias,
        labels,
        outputLogits,
        labelSmoothing,
      });
      return { ...predictions, ...extras(out) };
    });
  }
}

/** Two layers on the first token: dropout, linear, tanh, dropout, linear. */
class ClassificationHead extends Module {
  readonly dense: Linear;
  readonly dropout: Dropout;
  readonly out_proj: Linear;

  constructor(scope: Scope, config: RobertaConfig) {
    super();
    this.dense = dense(scope.child('dense'), config, config.hidden_size);
    this.dropout = classifierDropout(config);
    this.out_proj = dense(scope.child('out_proj'), config, labelCount(config));
  }

  forward(hidden: tf.Tensor): tf.Tensor2D {
    const inner = this.dense.forward(this.dropout.forward(firstToken(hidden)), 'tanh'); // [B, E]
    return this.out_proj.forward(this.dropout.forward(inner)) as tf.Tensor2D; // [B, N]
  }
}

/** RoBERTa that sorts texts into classes, or gives each a number. */
export class RobertaForSequenceClassification extends RobertaPreTrainedModel {
  static readonly architecture = 'RobertaForSequenceClassification';

  readonly roberta: RobertaModel;
  readonly classifier: ClassificationHead;

  constructor(config: RobertaConfig, source: ModelSource = {}) {
    super(config);
    const scope = scopeOf(source);
    this.roberta = new RobertaModel(config, scope.child('roberta'), { addPooling: false });
    this.classifier = new ClassificationHead(scope.child('classifier'), config);
  }

  forward({ labels, labelSmoothing, ...inputs }: ClassificationInputs): ClassificationOutputs {
    return tidy(() => {
      const out = this.roberta.forward(inputs, { firstTokenOnly: true });
      const logits = this.classifier.forward(out.lastHiddenState); // [B, N]
      const loss = labels
        ? classificationLoss(logits, labels, this.config.problem_type, { labelSmoothing })
        : undefined;
      return { ...(loss ? { loss } : {}), logits, ...extras(out) };
    });
  }
}

/** RoBERTa that gives every token a class. */
export class RobertaForTokenClassification extends RobertaPreTrainedModel {
  static readonly architecture = 'RobertaForTokenClassification';

  readonly roberta: RobertaModel;
  readonly dropout: Dropout;
  readonly classifier: Linear;

  constructor(config: RobertaConfig, source: ModelSource = {}) {
    super(config);
    const scope = scopeOf(source);
    this.roberta = new RobertaModel(config, scope.child('roberta'), { addPooling: false });
    this.dropout = classifierDropout(config);
    this.classifier = dense(scope.child('classifier'), config, labelCount(config));
  }

  forward({ labels, labelSmoothing, ...inputs }: TokenClassificationInputs): TokenClassificationOutputs {
    return tidy(() => {
      const out = this.roberta.forward(inputs);
      const logits = this.classifier.forward(this.dropout.forward(out.lastHiddenState)) as tf.Tensor3D; // [B, T, N]
      const loss = labels ? tokenLoss(logits, labels, { labelSmoothing }) : undefined;
      return { ...(loss ? { loss } : {}), logits, ...extras(out) };
    });
  }
}

/** RoBERTa that finds where in a text an answer starts and ends. */
export class RobertaForQuestionAnswering extends RobertaPreTrainedModel {
  static readonly architecture = 'RobertaForQuestionAnswering';

  readonly roberta: RobertaModel;
  readonly qa_outputs: Linear;

  constructor(config: RobertaConfig, source: ModelSource = {}) {
    super(config);
    const scope = scopeOf(source);
    this.roberta = new RobertaModel(config, scope.child('roberta'), { addPooling: false });
    this.qa_outputs = dense(scope.child('qa_outputs'), config, 2);
  }

  forward({ startPositions, endPositions, ...inputs }: QuestionAnsweringInputs): QuestionAnsweringOutputs {
    return tidy(() => {
      const out = this.roberta.forward(inputs);
      const { startLogits, endLogits } = splitSpan(this.qa_outputs.forward(out.lastHiddenState));
      const loss =
        startPositions && endPositions
          ? spanLoss(startLogits, endLogits, startPositions, endPositions)
          : undefined;
      return { ...(loss ? { loss } : {}), startLogits, endLogits, ...extras(out) };
    });
  }
}

/** RoBERTa that chooses among C texts: inputs [B, C, T], logits [B, C]. */
export class RobertaForMultipleChoice extends RobertaPreTrainedModel {
  static readonly architecture = 'RobertaForMultipleChoice';

  readonly roberta: RobertaModel;
  readonly dropout: Dropout;
  readonly classifier: Linear;

  constructor(config: RobertaConfig, source: ModelSource = {}) {
    super(config);
    const scope = scopeOf(source);
    this.roberta = new RobertaModel(config, scope.child('roberta'));
    this.dropout = classifierDropout(config);
    this.classifier = dense(scope.child('classifier'), config, 1);
  }

  forward({ labels, labelSmoothing, ...inputs }: MultipleChoiceInputs): ClassificationOutputs {
    return tidy(() => {
      const { rows, choices } = flattenChoices(inputs);
      const { poolerOutput } = this.roberta.forward(rows, { firstTokenOnly: true }); // [B * C, E]
      const scores = this.classifier.forward(this.dropout.forward(poolerOutput!)); // [B * C, 1]
      const logits = scores.reshape([-1, choices]) as tf.Tensor2D; // [B, C]
      const loss = labels ? singleLabelLoss(logits, labels, { labelSmoothing }) : undefined;
      return { ...(loss ? { loss } : {}), logits };
    });
  }
}
