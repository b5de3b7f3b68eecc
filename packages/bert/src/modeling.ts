/**
 * BERT (Devlin et al., 2018, "BERT: Pre-training of Deep Bidirectional Transformers for Language
 * Understanding"): an encoder with layer normalisation after each part, learned positions and token types.
 * RoBERTa is built from the same parts.
 *
 * B batch, T positions, E width (hidden_size), F inner width (intermediate_size), H heads, V vocabulary,
 * L layers. Field names are the checkpoint's.
 */
import tf = require('@tensorflow/tfjs');

import {
  type Activation,
  attentionWithWeights,
  Dropout,
  dropoutState,
  Embedding,
  forwardAll,
  idTensor,
  LayerNorm,
  Linear,
  Module,
  noDropout,
  normal,
  type Scope,
  scaledDotProductAttention,
} from '@weft/attention';
import { ConfigError } from '@weft/errors';
import { loadPretrained, type ModelClass, type ModelSource, PretrainedModel, scopeOf } from '@weft/model';
import {
  activationOf,
  type BertConfig,
  bertConfigSchema,
  bertKeyMap,
  type EncoderConfig,
  type HeadLoadOptions,
  headOptions,
} from './config.js';
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

/** A linear whose new weights are drawn as the configuration says. */
export const dense = (
  scope: Scope,
  config: EncoderConfig,
  outFeatures: number,
  inFeatures?: number,
): Linear =>
  new Linear(scope, {
    inFeatures: inFeatures ?? config.hidden_size,
    outFeatures,
    initialize: normal(config.initializer_range),
  });

export const norm = (scope: Scope, config: EncoderConfig): LayerNorm =>
  new LayerNorm(scope, { width: config.hidden_size, epsilon: config.layer_norm_eps });

export class BertEmbeddings extends Module {
  readonly word_embeddings: Embedding;
  readonly position_embeddings: Embedding;
  readonly token_type_embeddings: Embedding;
  readonly LayerNorm: LayerNorm;
  readonly dropout: Dropout;

  /** @param positionPadding the position without a gradient, which RoBERTa has */
  constructor(scope: Scope, config: EncoderConfig, positionPadding?: number) {
    super();
    const table = (name: string, vocabSize: number, paddingIndex = -1): Embedding =>
      new Embedding(scope.child(name), {
        vocabSize,
        width: config.hidden_size,
        paddingIndex,
        initialize: normal(config.initializer_range),
      });
    this.word_embeddings = table('word_embeddings', config.vocab_size, config.pad_token_id);
    this.position_embeddings = table('position_embeddings', config.max_position_embeddings, positionPadding);
    this.token_type_embeddings = table('token_type_embeddings', config.type_vocab_size);
    this.LayerNorm = norm(scope.child('LayerNorm'), config);
    this.dropout = new Dropout(config.hidden_dropout_prob);
  }

  /** @param positions, types [B, T], or [1, T] where all rows have the same */
  forward(ids: tf.Tensor2D, positions: tf.Tensor2D, types: tf.Tensor2D): tf.Tensor {
    const places = tf.add(
      this.position_embeddings.forward(positions),
      this.token_type_embeddings.forward(types),
    ); // [1 or B, T, E]
    const sum = tf.add(this.word_embeddings.forward(ids), places); // [B, T, E]
    return this.dropout.forward(this.LayerNorm.forward(sum));
  }
}

class SelfAttention extends Module {
  readonly query: Linear;
  readonly key: Linear;
  readonly value: Linear;
  readonly numHeads: number;
  readonly rate: number;

  constructor(scope: Scope, config: EncoderConfig) {
    super();
    this.numHeads = config.num_attention_heads;
    this.rate = config.attention_probs_dropout_prob;
    this.query = dense(scope.child('query'), config, config.hidden_size);
    this.key = dense(scope.child('key'), config, config.hidden_size);
    this.value = dense(scope.child('value'), config, config.hidden_size);
  }

  /** @param asked the tokens whose output is asked for: all of x, or the first of each row */
  forward(asked: tf.Tensor, x: tf.Tensor, { keyPaddingMask, attentions }: LayerInputs): tf.Tensor {
    const given = [this.key, this.value];
    const [key, value, query = this.query.forward(asked)] = forwardAll(
      asked === x ? [...given, this.query] : given,
      x,
    ); // [B, T, E], heads side by side
    const inputs = {
      query,
      key: key!,
      value: value!,
      numHeads: this.numHeads,
      dropout: this.training ? dropoutState.next(this.rate) : noDropout,
      ...(keyPaddingMask ? { keyPaddingMask } : {}),
    };
    if (!attentions) return scaledDotProductAttention(inputs); // [B, T, E]
    const { output, weights } = attentionWithWeights(inputs);
    attentions.push(weights);
    return output;
  }
}

/** The end of a part: a linear, dropout, the residual, layer normalisation. */
class Output extends Module {
  readonly dense: Linear;
  readonly LayerNorm: LayerNorm;
  readonly dropout: Dropout;

  constructor(scope: Scope, config: EncoderConfig, inFeatures: number) {
    super();
    this.dense = dense(scope.child('dense'), config, config.hidden_size, inFeatures);
    this.LayerNorm = norm(scope.child('LayerNorm'), config);
    this.dropout = new Dropout(config.hidden_dropout_prob);
  }

  /** x [B, T, E or F], residual [B, T, E] -> [B, T, E] */
  forward(x: tf.Tensor, residual: tf.Tensor): tf.Tensor {
    return this.LayerNorm.forward(tf.add(this.dropout.forward(this.dense.forward(x)), residual));
  }
}

class Attention extends Module {
  readonly self: SelfAttention;
  readonly output: Output;

  constructor(scope: Scope, config: EncoderConfig) {
    super();
    this.self = new SelfAttention(scope.child('self'), config);
    this.output = new Output(scope.child('output'), config, config.hidden_size);
  }

  forward(x: tf.Tensor, inputs: LayerInputs): tf.Tensor {
    const asked = inputs.firstTokenOnly ? firstTokens(x) : x;
    return this.output.forward(this.self.forward(asked, x, inputs), asked);
  }
}

class Intermediate extends Module {
  readonly dense: Linear;
  readonly activation: Activation;

  constructor(scope: Scope, config: EncoderConfig) {
    super();
    this.dense = dense(scope.child('dense'), config, config.intermediate_size);
    this.activation = activationOf(config.hidden_act);
  }

  forward(x: tf.Tensor): tf.Tensor {
    return this.dense.forward(x, this.activation); // [B, T, F]
  }
}

class Layer extends Module {
  readonly attention: Attention;
  readonly intermediate: Intermediate;
  readonly output: Output;

  constructor(scope: Scope, config: EncoderConfig) {
    super();
    this.attention = new Attention(scope.child('attention'), config);
    this.intermediate = new Intermediate(scope.child('intermediate'), config);
    this.output = new Output(scope.child('output'), config, config.intermediate_size);
  }

  forward(x: tf.Tensor, inputs: LayerInputs): tf.Tensor {
    const attended = this.attention.forward(x, inputs); // [B, T, E]
    return this.output.forward(this.intermediate.forward(attended), attended); // [B, T, E]
  }
}

export class BertEncoder extends Module {
  readonly layer: Layer[];

  constructor(scope: Scope, config: EncoderConfig) {
    super();
    if (config.hidden_size % config.num_attention_heads !== 0) {
      throw new ConfigError({
        operation: 'build an encoder',
        expected: 'a hidden_size that num_attention_heads divides',
        received: `hidden_size ${config.hidden_size}, num_attention_heads ${config.num_attention_heads}`,
        remedy: 'make hidden_size a multiple of num_attention_heads',
      });
    }
    this.layer = Array.from(
      { length: config.num_hidden_layers },
      (_, i) => new Layer(scope.child('layer').child(i), config),
    );
  }

  forward(embeddings: tf.Tensor, inputs: EncoderInputs, asked?: AskedTokens): EncoderOutputs {
    return runLayers(this.layer, embeddings, inputs, asked);
  }
}

/** tanh of a linear on the first token: [B, T, E] -> [B, E] */
export class BertPooler extends Module {
  readonly dense: Linear;

  constructor(scope: Scope, config: EncoderConfig) {
    super();
    this.dense = dense(scope.child('dense'), config, config.hidden_size);
  }

  forward(hidden: tf.Tensor): tf.Tensor2D {
    return this.dense.forward(firstToken(hidden), 'tanh') as tf.Tensor2D;
  }
}

/** What all of BERT's models share: how they are loaded. */
export abstract class BertPreTrainedModel extends PretrainedModel<BertConfig> {
  readonly supportsGradientCheckpointing = true;
  static readonly configSchema = bertConfigSchema;
  static readonly keyMap = bertKeyMap;
  static readonly headKeys: readonly RegExp[] = [/(^|\.)pooler\./];

  /**
   * Loads a folder or a model of the hub. Parts that the checkpoint lacks (a new head, a pooler) are drawn, with a
   * warning.
   *
   * @throws ConfigError, CheckpointError, DownloadError
   */
  static fromPretrained<M extends PretrainedModel<BertConfig>>(
    this: ModelClass<M, BertConfig>,
    source: string,
    options: HeadLoadOptions = {},
  ): Promise<M> {
    // biome-ignore lint/complexity/noThisInStatic: `this` is the class that was asked to load, with its head.
    return loadPretrained(this, source, headOptions(options));
  }
}

/**
 * BERT without a head.
 *
 * @example
 * ```ts
 * import { BertModel, bertConfigSchema } from '@weft/bert';
 *
 * const config = bertConfigSchema.parse({
 *   vocab_size: 50, hidden_size: 32, num_hidden_layers: 2, num_attention_heads: 4, intermediate_size: 64,
 * });
 * using model = new BertModel(config, { seed: 1 });
 * const { lastHiddenState, poolerOutput } = model.forward({ inputIds: [[2, 7, 9, 3]] });
 * console.assert(lastHiddenState.shape.join() === '1,4,32' && poolerOutput!.shape.join() === '1,32');
 * ```
 */
export class BertModel extends BertPreTrainedModel {
  static readonly architecture = 'BertModel';

  readonly embeddings: BertEmbeddings;
  readonly encoder: BertEncoder;
  readonly pooler?: BertPooler;

  constructor(config: BertConfig, source: ModelSource = {}, { addPooling = true } = {}) {
    super(config);
    const scope = scopeOf(source);
    this.embeddings = new BertEmbeddings(scope.child('embeddings'), config);
    this.encoder = new BertEncoder(scope.child('encoder'), config);
    if (addPooling) this.pooler = new BertPooler(scope.child('pooler'), config);
  }

  forward(inputs: EncoderInputs, asked?: AskedTokens): EncoderOutputs {
    return tidy(() => {
      const ids = idTensor(inputs.inputIds); // [B, T]
      const length = ids.shape[1];
      checkLength('BertModel', length, this.config.max_position_embeddings);
      const positions = inputs.positionIds
        ? idTensor(inputs.positionIds, 'positionIds')
        : (tf.range(0, length, 1, 'int32').reshape([1, length]) as tf.Tensor2D);
      const types = inputs.tokenTypeIds
        ? idTensor(inputs.tokenTypeIds, 'tokenTypeIds')
        : tf.zeros<tf.Rank.R2>([1, length], 'int32');
      const out = this.encoder.forward(this.embeddings.forward(ids, positions, types), inputs, asked);
      return this.pooler ? { ...out, poolerOutput: this.pooler.forward(out.lastHiddenState) } : out;
    });
  }
}
