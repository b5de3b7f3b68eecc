/**
 * DistilBERT (Sanh et al., 2019, "DistilBERT, a distilled version of BERT"): BERT with half the layers, without
 * token types and pooler.
 *
 * B batch, T positions, E width (dim), F inner width (hidden_dim), H heads, V vocabulary, N classes. Field names
 * are the checkpoint's.
 */
import tf = require('@tensorflow/tfjs');

import {
  type Activation,
  attentionWithWeights,
  Dropout,
  dropoutState,
  Embedding,
  idTensor,
  LayerNorm,
  Linear,
  Module,
  noDropout,
  normal,
  type Scope,
  scaledDotProductAttention,
  zeros,
} from '@weft/attention';
import { ConfigError } from '@weft/errors';
import { loadPretrained, type ModelClass, type ModelSource, PretrainedModel, scopeOf } from '@weft/model';
import {
  activationOf,
  type DistilBertConfig,
  distilBertConfigSchema,
  distilBertKeyMap,
  type HeadLoadOptions,
  headOptions,
  labelCount,
} from './config.js';
import {
  type ClassificationInputs,
  type ClassificationOutputs,
  extras,
  type MaskedLMInputs,
  type MaskedLMOutputs,
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
  firstTokens,
  tidy,
} from './inputs.js';
import { type LayerInputs, runLayers } from './layers.js';
import { classificationLoss, maskedLanguageModeling, spanLoss, tokenLoss } from './losses.js';

const dense = (scope: Scope, config: DistilBertConfig, inFeatures: number, outFeatures: number): Linear =>
  new Linear(scope, { inFeatures, outFeatures, initialize: normal(config.initializer_range) });

const norm = (scope: Scope, config: DistilBertConfig): LayerNorm =>
  new LayerNorm(scope, { width: config.dim, epsilon: 1e-12 });

class Embeddings extends Module {
  readonly word_embeddings: Embedding;
  readonly position_embeddings: Embedding;
  readonly LayerNorm: LayerNorm;
  readonly dropout: Dropout;

  constructor(scope: Scope, config: DistilBertConfig) {
    super();
    const shared = { width: config.dim, initialize: normal(config.initializer_range) };
    this.word_embeddings = new Embedding(scope.child('word_embeddings'), {
      vocabSize: config.vocab_size,
      paddingIndex: config.pad_token_id,
      ...shared,
    });
    this.position_embeddings = new Embedding(scope.child('position_embeddings'), {
      vocabSize: config.max_position_embeddings,
      ...shared,
    });
    this.LayerNorm = norm(scope.child('LayerNorm'), config);
    this.dropout = new Dropout(config.dropout);
  }

  forward(ids: tf.Tensor2D, positions: tf.Tensor2D): tf.Tensor {
    const sum = tf.add(this.word_embeddings.forward(ids), this.position_embeddings.forward(positions)); // [B, T, E]
    return this.dropout.forward(this.LayerNorm.forward(sum));
  }
}

class Attention extends Module {
  readonly q_lin: Linear;
  readonly k_lin: Linear;
  readonly v_lin: Linear;
  readonly out_lin: Linear;
  readonly numHeads: number;
  readonly rate: number;

  constructor(scope: Scope, config: DistilBertConfig) {
    super();
    const square = (name: string): Linear => dense(scope.child(name), config, config.dim, config.dim);
    this.numHeads = config.n_heads;
    this.rate = config.attention_dropout;
    this.q_lin = square('q_lin');
    this.k_lin = square('k_lin');
    this.v_lin = square('v_lin');
    this.out_lin = square('out_lin');
  }

  /** @param asked the tokens whose output is asked for: all of x, or the first of each row */
  forward(asked: tf.Tensor, x: tf.Tensor, { keyPaddingMask, attentions }: LayerInputs): tf.Tensor {
    const inputs = {
      query: this.q_lin.forward(asked), // [B, T, E], heads side by side
      key: this.k_lin.forward(x),
      value: this.v_lin.forward(x),
      numHeads: this.numHeads,
      dropout: this.training ? dropoutState.next(this.rate) : noDropout,
      ...(keyPaddingMask ? { keyPaddingMask } : {}),
    };
    if (!attentions) return this.out_lin.forward(scaledDotProductAttention(inputs)); // [B, T, E]
    const { output, weights } = attentionWithWeights(inputs);
    attentions.push(weights);
    return this.out_lin.forward(output);
  }
}

class FeedForward extends Module {
  readonly lin1: Linear;
  readonly lin2: Linear;
  readonly dropout: Dropout;
  readonly activation: Activation;

  constructor(scope: Scope, config: DistilBertConfig) {
    super();
    this.lin1 = dense(scope.child('lin1'), config, config.dim, config.hidden_dim);
    this.lin2 = dense(scope.child('lin2'), config, config.hidden_dim, config.dim);
    this.dropout = new Dropout(config.dropout);
    this.activation = activationOf(config.activation);
  }

  forward(x: tf.Tensor): tf.Tensor {
    const hidden = this.lin1.forward(x, this.activation); // [B, T, F]
    return this.dropout.forward(this.lin2.forward(hidden)); // [B, T, E]
  }
}

class Layer extends Module {
  readonly attention: Attention;
  readonly sa_layer_norm: LayerNorm;
  readonly ffn: FeedForward;
  readonly output_layer_norm: LayerNorm;

  constructor(scope: Scope, config: DistilBertConfig) {
    super();
    this.attention = new Attention(scope.child('attention'), config);
    this.sa_layer_norm = norm(scope.child('sa_layer_norm'), config);
    this.ffn = new FeedForward(scope.child('ffn'), config);
    this.output_layer_norm = norm(scope.child('output_layer_norm'), config);
  }

  forward(x: tf.Tensor, inputs: LayerInputs): tf.Tensor {
    const asked = inputs.firstTokenOnly ? firstTokens(x) : x;
    const attended = this.sa_layer_norm.forward(tf.add(this.attention.forward(asked, x, inputs), asked)); // [B, T, E]
    return this.output_layer_norm.forward(tf.add(this.ffn.forward(attended), attended)); // [B, T, E]
  }
}

class Transformer extends Module {
  readonly layer: Layer[];

  constructor(scope: Scope, config: DistilBertConfig) {
    super();
    this.layer = Array.from(
      { length: config.n_layers },
      (_, i) => new Layer(scope.child('layer').child(i), config),
    );
  }
}

/** What all of DistilBERT's models share: how they are loaded. */
export abstract class DistilBertPreTrainedModel extends PretrainedModel<DistilBertConfig> {
  readonly supportsGradientCheckpointing = true;
  static readonly configSchema = distilBertConfigSchema;
  static readonly keyMap = distilBertKeyMap;
  static readonly headKeys: readonly RegExp[] = [/^(vocab_|pre_classifier|classifier|qa_outputs)/];
  static readonly tiedKeys: readonly RegExp[] = [/^vocab_projector\.weight$/];

  /** Loads a folder or a model of the hub; as BERT's. */
  static fromPretrained<M extends PretrainedModel<DistilBertConfig>>(
    this: ModelClass<M, DistilBertConfig>,
    source: string,
    options: HeadLoadOptions = {},
  ): Promise<M> {
    // biome-ignore lint/complexity/noThisInStatic: `this` is the class that was asked to load, with its head.
    return loadPretrained(this, source, headOptions(options));
  }
}

/** DistilBERT without a head. */
export class DistilBertModel extends DistilBertPreTrainedModel {
  static readonly architecture = 'DistilBertModel';

  readonly embeddings: Embeddings;
  readonly transformer: Transformer;

  constructor(config: DistilBertConfig, source: ModelSource = {}) {
    super(config);
    if (config.dim % config.n_heads !== 0) {
      throw new ConfigError({
        operation: 'DistilBertModel',
        expected: 'a dim that n_heads divides',
        received: `dim ${config.dim}, n_heads ${config.n_heads}`,
        remedy: 'make dim a multiple of n_heads',
      });
    }
    const scope = scopeOf(source);
    this.embeddings = new Embeddings(scope.child('embeddings'), config);
    this.transformer = new Transformer(scope.child('transformer'), config);
  }

  /** Token types are not known here and are not looked at. */
  forward(inputs: EncoderInputs, asked?: AskedTokens): EncoderOutputs {
    return tidy(() => {
      const ids = idTensor(inputs.inputIds); // [B, T]
      const length = ids.shape[1];
      checkLength('DistilBertModel', length, this.config.max_position_embeddings);
      const positions = inputs.positionIds
        ? idTensor(inputs.positionIds, 'positionIds')
        : (tf.range(0, length, 1, 'int32').reshape([1, length]) as tf.Tensor2D);
      return runLayers(this.transformer.layer, this.embeddings.forward(ids, positions), inputs, asked);
    });
  }
}

/** The last layer: a bias of its own, and a weight only where it is not the word embeddings. */
class VocabProjector extends Module {
  readonly weight?: tf.Variable;
  readonly bias: tf.Variable;

  constructor(scope: Scope, config: DistilBertConfig) {
    super();
    if (!config.tie_word_embeddings) {
      const shape = [config.vocab_size, config.dim];
      this.weight = scope.parameter('weight', shape, normal(config.initializer_range));
    }
    this.bias = scope.parameter('bias', [config.vocab_size], zeros);
  }
}

/** DistilBERT that fills in masked words. */
export class DistilBertForMaskedLM extends DistilBertPreTrainedModel {
  static readonly architecture = 'DistilBertForMaskedLM';

  readonly distilbert: DistilBertModel;
  readonly vocab_transform: Linear;
  readonly vocab_layer_norm: LayerNorm;
  readonly vocab_projector: VocabProjector;

  constructor(config: DistilBertConfig, source: ModelSource = {}) {
    super(config);
    const scope = scopeOf(source);
    this.distilbert = new DistilBertModel(config, scope.child('distilbert'));
    this.vocab_transform = dense(scope.child('vocab_transform'), config, config.dim, config.dim);
    this.vocab_layer_norm = norm(scope.child('vocab_layer_norm'), config);
    this.vocab_projector = new VocabProjector(scope.child('vocab_projector'), config);
  }

  forward(inputs: MaskedLMInputs & { outputLogits: false }): MaskedLMOutputs;
  forward(inputs: MaskedLMInputs): WithLogits<MaskedLMOutputs>;
  forward({ labels, outputLogits, labelSmoothing, ...inputs }: MaskedLMInputs): MaskedLMOutputs {
    return tidy(() => {
      const out = this.distilbert.forward(inputs);
      const kind = activationOf(this.config.activation);
      const predictions = maskedLanguageModeling({
        hidden: out.lastHiddenState,
        transform: (rows) => this.vocab_layer_norm.forward(this.vocab_transform.forward(rows, kind)), // [R, E]
        weight: this.vocab_projector.weight ?? this.distilbert.embeddings.word_embeddings.weight,
        bias: this.vocab_projector.bias,
        labels,
        outputLogits,
        labelSmoothing,
      });
      return { ...predictions, ...extras(out) };
    });
  }
}

/** DistilBERT that sorts texts into classes, or gives each a number. */
export class DistilBertForSequenceClassification extends DistilBertPreTrainedModel {
  static readonly architecture = 'DistilBertForSequenceClassification';

  readonly distilbert: DistilBertModel;
  readonly pre_classifier: Linear;
  readonly classifier: Linear;
  readonly dropout: Dropout;

  constructor(config: DistilBertConfig, source: ModelSource = {}) {
    super(config);
    const scope = scopeOf(source);
    this.distilbert = new DistilBertModel(config, scope.child('distilbert'));
    this.pre_classifier = dense(scope.child('pre_classifier'), config, config.dim, config.dim);
    this.classifier = dense(scope.child('classifier'), config, config.dim, labelCount(config));
    this.dropout = new Dropout(config.seq_classif_dropout);
  }

  forward({ labels, labelSmoothing, ...inputs }: ClassificationInputs): ClassificationOutputs {
    return tidy(() => {
      const out = this.distilbert.forward(inputs, { firstTokenOnly: true });
      const pooled = this.pre_classifier.forward(firstToken(out.lastHiddenState), 'relu'); // [B, E]
      const logits = this.classifier.forward(this.dropout.forward(pooled)) as tf.Tensor2D; // [B, N]
      const loss = labels
        ? classificationLoss(logits, labels, this.config.problem_type, { labelSmoothing })
        : undefined;
      return { ...(loss ? { loss } : {}), logits, ...extras(out) };
    });
  }
}

/** DistilBERT that gives every token a class. */
export class DistilBertForTokenClassification extends DistilBertPreTrainedModel {
  static readonly architecture = 'DistilBertForTokenClassification';

  readonly distilbert: DistilBertModel;
  readonly dropout: Dropout;
  readonly classifier: Linear;

  constructor(config: DistilBertConfig, source: ModelSource = {}) {
    super(config);
    const scope = scopeOf(source);
    this.distilbert = new DistilBertModel(config, scope.child('distilbert'));
    this.dropout = new Dropout(config.dropout);
    this.classifier = dense(scope.child('classifier'), config, config.dim, labelCount(config));
  }

  forward({ labels, labelSmoothing, ...inputs }: TokenClassificationInputs): TokenClassificationOutputs {
    return tidy(() => {
      const out = this.distilbert.forward(inputs);
      const logits = this.classifier.forward(this.dropout.forward(out.lastHiddenState)) as tf.Tensor3D; // [B, T, N]
      const loss = labels ? tokenLoss(logits, labels, { labelSmoothing }) : undefined;
      return { ...(loss ? { loss } : {}), logits, ...extras(out) };
    });
  }
}

/** DistilBERT that finds where in a text an answer starts and ends. */
export class DistilBertForQuestionAnswering extends DistilBertPreTrainedModel {
  static readonly architecture = 'DistilBertForQuestionAnswering';

  readonly distilbert: DistilBertModel;
  readonly dropout: Dropout;
  readonly qa_outputs: Linear;

  constructor(config: DistilBertConfig, source: ModelSource = {}) {
    super(config);
    const scope = scopeOf(source);
    this.distilbert = new DistilBertModel(config, scope.child('distilbert'));
    this.dropout = new Dropout(config.qa_dropout);
    this.qa_outputs = dense(scope.child('qa_outputs'), config, config.dim, 2);
  }

  forward({ startPositions, endPositions, ...inputs }: QuestionAnsweringInputs): QuestionAnsweringOutputs {
    return tidy(() => {
      const out = this.distilbert.forward(inputs);
      const { startLogits, endLogits } = splitSpan(
        this.qa_outputs.forward(this.dropout.forward(out.lastHiddenState)),
      );
      const loss =
        startPositions && endPositions
          ? spanLoss(startLogits, endLogits, startPositions, endPositions)
          : undefined;
      return { ...(loss ? { loss } : {}), startLogits, endLogits, ...extras(out) };
    });
  }
}
