/**
 * T5 (Raffel et al., 2020, "Exploring the Limits of Transfer Learning with a Unified Text-to-Text Transformer"):
 * an encoder and a decoder with root-mean-square normalisation before each part, no biases, attention that is
 * not scaled, and relative positions as a learned bias that all layers of a stack share.
 *
 * B batch, T target and S source positions, E width (d_model), I inner width of attention (heads * d_kv), H heads,
 * V vocabulary. Field names are the checkpoint's.
 */
import tf = require('@tensorflow/tfjs');

import {
  type Activation,
  attentionWithWeights,
  beamAttention,
  type CachedKeysAndValues,
  Dropout,
  dropoutState,
  forwardAll,
  type KeysAndValues,
  Linear,
  Module,
  noDropout,
  normal,
  RelativePositionBias,
  RmsNorm,
  type Scope,
  type StepBlock,
  type StepLinear,
  scaledDotProductAttention,
} from '@weft/attention';
import type { Seq2SeqLayerInputs } from '@weft/model';
import type { T5Config } from './config.js';

/** What goes through a stack's blocks beside the hidden states. */
export interface BlockInputs extends Seq2SeqLayerInputs {
  /** [1, H, Tq, Tk] */
  positionBias: tf.Tensor;
}

/** What goes from part to part: the sum of x and what the last part gave, each [B, T, E], not yet added up. */
export interface Stream {
  x: tf.Tensor;
  added?: tf.Tensor;
}

export const sumOf = ({ x, added }: Stream): tf.Tensor => (added ? tf.add(x, added) : x);

/** The sum and its normalisation. */
export const normalised = (norm: RmsNorm, { x, added }: Stream): [sum: tf.Tensor, y: tf.Tensor] =>
  added ? norm.addForward(x, added) : [x, norm.forward(x)];

class Attention extends Module {
  readonly q: Linear;
  readonly k: Linear;
  readonly v: Linear;
  readonly o: Linear;
  /** In the first block alone; the others use what it computes. */
  readonly relative_attention_bias?: RelativePositionBias;
  readonly numHeads: number;
  readonly rate: number;

  constructor(scope: Scope, config: T5Config, bias?: { bidirectional: boolean }) {
    super();
    const { d_model: width, d_kv: headSize, num_heads: heads, initializer_factor: factor } = config;
    const inner = heads * headSize;
    const project = (name: string, inFeatures: number, outFeatures: number, deviation: number): Linear =>
      new Linear(scope.child(name), {
        inFeatures,
        outFeatures,
        bias: false,
        initialize: normal(factor * deviation),
      });
    this.numHeads = heads;
    this.rate = config.dropout_rate;
    this.q = project('q', width, inner, (width * headSize) ** -0.5);
    this.k = project('k', width, inner, width ** -0.5);
    this.v = project('v', width, inner, width ** -0.5);
    this.o = project('o', inner, width, inner ** -0.5);
    if (bias) {
      this.relative_attention_bias = new RelativePositionBias(scope.child('relative_attention_bias'), {
        numHeads: heads,
        numBuckets: config.relative_attention_num_buckets,
        maxDistance: config.relative_attention_max_distance,
        ...bias,
      });
    }
  }

  /** What looks at itself asks: query, key and value [B, T, I] of the same states. */
  project(states: tf.Tensor): KeysAndValues & { query: tf.Tensor } {
    const [query, key, value] = forwardAll([this.q, this.k, this.v], states) as [
      tf.Tensor,
      tf.Tensor,
      tf.Tensor,
    ];
    return { query, key, value };
  }

  /** Query, key and value of one more position, for `decoderStep`. */
  forStep(x: tf.Tensor): readonly [StepLinear, StepLinear, StepLinear] {
    return [this.q.forStep(x), this.k.forStep(x), this.v.forStep(x)];
  }

  /** @param query [B, Tq, I] @returns [B, Tq, E] */
  attend(
    query: tf.Tensor,
    {
      key,
      value,
      length: keyLength,
      rows,
    }: KeysAndValues & Partial<Omit<CachedKeysAndValues, 'key' | 'value'>>,
    options: { causal: boolean; bias?: tf.Tensor; keyPaddingMask?: tf.Tensor; attentions?: tf.Tensor[] },
  ): tf.Tensor {
    const { attentions, ...rest } = options;
    if (rows && keyLength !== undefined) {
      const bias = options.bias!;
      return this.o.forward(
        beamAttention({ query, key, value, rows, bias, keyLength, numHeads: this.numHeads, scale: 1 }),
      );
    }
    const inputs = {
      query,
      key,
      value,
      numHeads: this.numHeads,
      scale: 1,
      dropout: this.training ? dropoutState.next(this.rate) : noDropout,
      ...rest,
      ...(keyLength === undefined ? {} : { keyLength }),
    };
    if (!attentions) return this.o.forward(scaledDotProductAttention(inputs));
    const { output, weights } = attentionWithWeights(inputs);
    attentions.push(weights);
    return this.o.forward(output);
  }
}

class SelfAttentionLayer extends Module {
  readonly SelfAttention: Attention;
  readonly layer_norm: RmsNorm;
  readonly dropout: Dropout;
  readonly causal: boolean;
  readonly layer: number;

  constructor(scope: Scope, config: T5Config, causal: boolean, layer: number) {
    super();
    this.causal = causal;
    this.layer = layer;
    const bias = layer === 0 ? { bidirectional: !causal } : undefined;
    this.SelfAttention = new Attention(scope.child('SelfAttention'), config, bias);
    this.layer_norm = norm(scope.child('layer_norm'), config);
    this.dropout = new Dropout(config.dropout_rate);
  }

  forward(stream: Stream, { positionBias: bias, keyPaddingMask, cache, attentions }: BlockInputs): Stream {
    const [x, normed] = normalised(this.layer_norm, stream); // [B, T, E]
    const { query, ...fresh } = this.SelfAttention.project(normed);
    const held = cache?.append(this.layer, fresh.key as tf.Tensor3D, fresh.value as tf.Tensor3D);
    const attended = this.SelfAttention.attend(query, held ?? fresh, {
      causal: this.causal,
      bias,
      ...(keyPaddingMask ? { keyPaddingMask } : {}),
      ...(attentions ? { attentions } : {}),
    });
    return { x, added: this.dropout.forward(attended) };
  }
}

class CrossAttentionLayer extends Module {
  readonly EncDecAttention: Attention;
  readonly layer_norm: RmsNorm;
  readonly dropout: Dropout;

  constructor(scope: Scope, config: T5Config) {
    super();
    this.EncDecAttention = new Attention(scope.child('EncDecAttention'), config);
    this.layer_norm = norm(scope.child('layer_norm'), config);
    this.dropout = new Dropout(config.dropout_rate);
  }

  forward(
    stream: Stream,
    memory: KeysAndValues,
    { memoryPaddingMask, crossAttentions }: BlockInputs,
  ): Stream {
    const [x, normed] = normalised(this.layer_norm, stream); // [B, T, E]
    const sources = memory.key.shape[0]!;
    const each = sources === x.shape[0];
    // Nothing here depends on where a query stands, so that all of a source can be asked at once.
    const asked = each ? normed : normed.reshape([sources, -1, normed.shape[2]!]); // [S, B / S * T, E]
    const query = this.EncDecAttention.q.forward(asked);
    const attended = this.EncDecAttention.attend(query, memory, {
      causal: false,
      ...(memoryPaddingMask ? { keyPaddingMask: memoryPaddingMask } : {}),
      ...(crossAttentions ? { attentions: crossAttentions } : {}),
    });
    const added = this.dropout.forward(attended);
    return { x, added: each ? added : added.reshape(x.shape) };
  }
}

class DenseReluDense extends Module {
  /** v1.0 */
  readonly wi?: Linear;
  /** Gated: activation(wi_0 x) * wi_1 x */
  readonly wi_0?: Linear;
  readonly wi_1?: Linear;
  readonly wo: Linear;
  readonly dropout: Dropout;
  readonly activation: Activation;

  constructor(scope: Scope, config: T5Config) {
    super();
    const { d_model: width, d_ff: inner, initializer_factor: factor, feed_forward_proj: kind } = config;
    const project = (name: string, inFeatures: number, outFeatures: number): Linear =>
      new Linear(scope.child(name), {
        inFeatures,
        outFeatures,
        bias: false,
        initialize: normal(factor * inFeatures ** -0.5),
      });
    const gated = kind.startsWith('gated-');
    this.activation = activations[gated ? kind.slice('gated-'.length) : kind] ?? 'relu';
    // Files call the gated form gelu and mean its tanh approximation.
    if (kind === 'gated-gelu') this.activation = 'geluNew';
    if (gated) {
      this.wi_0 = project('wi_0', width, inner);
      this.wi_1 = project('wi_1', width, inner);
    } else this.wi = project('wi', width, inner);
    this.wo = project('wo', inner, width);
    this.dropout = new Dropout(config.dropout_rate);
  }

  forward(x: tf.Tensor): tf.Tensor {
    const hidden = this.wi
      ? this.wi.forward(x, this.activation)
      : tf.mul(this.wi_0!.forward(x, this.activation), this.wi_1!.forward(x)); // [B, T, d_ff]
    return this.wo.forward(this.dropout.forward(hidden)); // [B, T, E]
  }
}

const activations: Record<string, Activation> = {
  relu: 'relu',
  gelu: 'gelu',
  gelu_new: 'geluNew',
  silu: 'silu',
};

class FeedForwardLayer extends Module {
  readonly DenseReluDense: DenseReluDense;
  readonly layer_norm: RmsNorm;
  readonly dropout: Dropout;

  constructor(scope: Scope, config: T5Config) {
    super();
    this.DenseReluDense = new DenseReluDense(scope.child('DenseReluDense'), config);
    this.layer_norm = norm(scope.child('layer_norm'), config);
    this.dropout = new Dropout(config.dropout_rate);
  }

  forward(stream: Stream): Stream {
    const [x, normed] = normalised(this.layer_norm, stream); // [B, T, E]
    return { x, added: this.dropout.forward(this.DenseReluDense.forward(normed)) };
  }
}

export const norm = (scope: Scope, { d_model: width, layer_norm_epsilon: epsilon }: T5Config): RmsNorm =>
  new RmsNorm(scope, { width, epsilon });

export class EncoderBlock extends Module {
  readonly layer: [SelfAttentionLayer, FeedForwardLayer];

  constructor(scope: Scope, config: T5Config, index: number) {
    super();
    const at = (i: number): Scope => scope.child('layer').child(i);
    this.layer = [new SelfAttentionLayer(at(0), config, false, index), new FeedForwardLayer(at(1), config)];
  }

  forward(stream: Stream, inputs: BlockInputs): Stream {
    const [attention, feedForward] = this.layer;
    return feedForward.forward(attention.forward(stream, inputs));
  }
}

export class DecoderBlock extends Module {
  readonly layer: [SelfAttentionLayer, CrossAttentionLayer, FeedForwardLayer];

  constructor(scope: Scope, config: T5Config, index: number) {
    super();
    const at = (i: number): Scope => scope.child('layer').child(i);
    this.layer = [
      new SelfAttentionLayer(at(0), config, true, index),
      new CrossAttentionLayer(at(1), config),
      new FeedForwardLayer(at(2), config),
    ];
  }

  /** What gives keys and values of the encoder's states. */
  get memoryLinears(): readonly [Linear, Linear] {
    const { k, v } = this.layer[1].EncDecAttention;
    return [k, v];
  }

  forward(stream: Stream, inputs: BlockInputs, layer: number): Stream {
    const [self, cross, feedForward] = this.layer;
    return feedForward.forward(cross.forward(self.forward(stream, inputs), inputs.memory!(layer), inputs));
  }

  /** What `decoderStep` needs of the block for one more position [B, 1, E], over a memory. */
  forStep(x: tf.Tensor, held: KeysAndValues, memory: KeysAndValues): StepBlock {
    const [self, cross, feedForward] = this.layer;
    const { SelfAttention: own } = self;
    const { EncDecAttention: other } = cross;
    const { wi, wi_0, wi_1, wo } = feedForward.DenseReluDense;
    return {
      self: { norm: self.layer_norm, inputs: own.forStep(x), project: own.o.forStep(x), ...keysOf(held) },
      cross: {
        norm: cross.layer_norm,
        query: other.q.forStep(x),
        project: other.o.forStep(x),
        ...keysOf(memory),
      },
      feedForward: {
        norm: feedForward.layer_norm,
        up: (wi ?? wi_1)!.forStep(x),
        ...(wi_0 ? { gate: wi_0.forStep(x) } : {}),
        down: wo.forStep(x),
      },
      scale: 1,
    };
  }
}

const keysOf = ({ key, value }: KeysAndValues): KeysAndValues => ({ key, value });
