/**
 * Marian (Junczys-Dowmunt et al., 2018), as OPUS-MT trains it: the Transformer of "Attention Is All You Need" with layer
 * normalisation after each part, sinusoidal positions, and one table of embeddings for source, target and output.
 *
 * B batch, T target and S source positions, E width (d_model), H heads. Field names are the checkpoint's.
 */
import tf = require('@tensorflow/tfjs');

import {
  type Activation,
  attentionWithWeights,
  beamAttention,
  type CachedKeysAndValues,
  Dropout,
  dropoutState,
  gradientCheckpoint,
  type KeysAndValues,
  LayerNorm,
  Linear,
  Module,
  noDropout,
  normal,
  type Scope,
  scaledDotProductAttention,
} from '@weft/attention';
import type { Seq2SeqLayerInputs } from '@weft/model';
import type { MarianConfig } from './config.js';

const activations: Record<MarianConfig['activation_function'], Activation> = {
  swish: 'silu',
  silu: 'silu',
  gelu: 'gelu',
  gelu_new: 'geluNew',
  relu: 'relu',
  tanh: 'tanh',
};

const project = (scope: Scope, inFeatures: number, outFeatures: number, config: MarianConfig): Linear =>
  new Linear(scope, { inFeatures, outFeatures, initialize: normal(config.init_std) });

class Attention extends Module {
  readonly k_proj: Linear;
  readonly v_proj: Linear;
  readonly q_proj: Linear;
  readonly out_proj: Linear;
  readonly numHeads: number;
  readonly rate: number;

  constructor(scope: Scope, config: MarianConfig, numHeads: number) {
    super();
    const { d_model: width } = config;
    const at = (name: string): Linear => project(scope.child(name), width, width, config);
    this.numHeads = numHeads;
    this.rate = config.attention_dropout;
    this.k_proj = at('k_proj');
    this.v_proj = at('v_proj');
    this.q_proj = at('q_proj');
    this.out_proj = at('out_proj');
  }

  keysAndValues(states: tf.Tensor): KeysAndValues {
    return { key: this.k_proj.forward(states), value: this.v_proj.forward(states) }; // each [B, Tk, E]
  }

  /** @param x [B, Tq, E] @returns [B, Tq, E] */
  attend(
    x: tf.Tensor,
    {
      key,
      value,
      length: keyLength,
      rows,
    }: KeysAndValues & Partial<Omit<CachedKeysAndValues, 'key' | 'value'>>,
    options: { causal: boolean; keyPaddingMask?: tf.Tensor; attentions?: tf.Tensor[] },
  ): tf.Tensor {
    const { attentions, ...rest } = options;
    const { numHeads } = this;
    const query = this.q_proj.forward(x); // [B, Tq, E]
    if (rows && keyLength !== undefined) {
      const scale = (query.shape[2]! / numHeads) ** -0.5;
      return this.out_proj.forward(beamAttention({ query, key, value, rows, keyLength, numHeads, scale }));
    }
    const inputs = {
      query,
      key,
      value,
      numHeads,
      dropout: this.training ? dropoutState.next(this.rate) : noDropout,
      ...rest,
      ...(keyLength === undefined ? {} : { keyLength }),
    };
    if (!attentions) return this.out_proj.forward(scaledDotProductAttention(inputs));
    const { output, weights } = attentionWithWeights(inputs);
    attentions.push(weights);
    return this.out_proj.forward(output);
  }
}

/** What encoder and decoder layers share: attention to their own positions, and two linear layers. */
abstract class Layer extends Module {
  readonly self_attn: Attention;
  readonly self_attn_layer_norm: LayerNorm;
  readonly fc1: Linear;
  readonly fc2: Linear;
  readonly final_layer_norm: LayerNorm;
  readonly dropout: Dropout;
  readonly activationDropout: Dropout;
  readonly activation: Activation;
  readonly index: number;

  constructor(scope: Scope, config: MarianConfig, index: number, heads: number, inner: number) {
    super();
    const { d_model: width } = config;
    this.index = index;
    this.self_attn = new Attention(scope.child('self_attn'), config, heads);
    this.self_attn_layer_norm = new LayerNorm(scope.child('self_attn_layer_norm'), { width });
    this.fc1 = project(scope.child('fc1'), width, inner, config);
    this.fc2 = project(scope.child('fc2'), inner, width, config);
    this.final_layer_norm = new LayerNorm(scope.child('final_layer_norm'), { width });
    this.dropout = new Dropout(config.dropout);
    this.activationDropout = new Dropout(config.activation_dropout);
    this.activation = activations[config.activation_function];
  }

  protected attendToSelf(x: tf.Tensor, causal: boolean, inputs: Seq2SeqLayerInputs): tf.Tensor {
    const { keyPaddingMask, cache, attentions } = inputs;
    const fresh = this.self_attn.keysAndValues(x);
    const held = cache?.append(this.index, fresh.key as tf.Tensor3D, fresh.value as tf.Tensor3D);
    const attended = this.self_attn.attend(x, held ?? fresh, {
      causal,
      ...(keyPaddingMask ? { keyPaddingMask } : {}),
      ...(attentions ? { attentions } : {}),
    });
    return this.self_attn_layer_norm.forward(tf.add(x, this.dropout.forward(attended)));
  }

  protected feedForward(x: tf.Tensor): tf.Tensor {
    const hidden = this.activationDropout.forward(this.fc1.forward(x, this.activation)); // [B, T, inner]
    return this.final_layer_norm.forward(tf.add(x, this.dropout.forward(this.fc2.forward(hidden))));
  }

  abstract forward(x: tf.Tensor, inputs: Seq2SeqLayerInputs): tf.Tensor;
}

export class EncoderLayer extends Layer {
  constructor(scope: Scope, config: MarianConfig, index: number) {
    super(scope, config, index, config.encoder_attention_heads, config.encoder_ffn_dim);
  }

  forward(x: tf.Tensor, inputs: Seq2SeqLayerInputs): tf.Tensor {
    return this.feedForward(this.attendToSelf(x, false, inputs));
  }
}

export class DecoderLayer extends Layer {
  readonly encoder_attn: Attention;
  readonly encoder_attn_layer_norm: LayerNorm;

  constructor(scope: Scope, config: MarianConfig, index: number) {
    super(scope, config, index, config.decoder_attention_heads, config.decoder_ffn_dim);
    this.encoder_attn = new Attention(scope.child('encoder_attn'), config, config.decoder_attention_heads);
    this.encoder_attn_layer_norm = new LayerNorm(scope.child('encoder_attn_layer_norm'), {
      width: config.d_model,
    });
  }

  forward(x: tf.Tensor, inputs: Seq2SeqLayerInputs): tf.Tensor {
    const attended = this.attendToSelf(x, true, inputs);
    return this.feedForward(this.#attendToMemory(attended, inputs));
  }

  #attendToMemory(
    x: tf.Tensor,
    { memory, memoryPaddingMask, crossAttentions }: Seq2SeqLayerInputs,
  ): tf.Tensor {
    const remembered = memory!(this.index);
    const sources = remembered.key.shape[0]!;
    // Nothing here depends on where a query stands, so that all of a source can be asked at once.
    const asked = sources === x.shape[0] ? x : x.reshape([sources, -1, x.shape[2]!]); // [S, B / S * T, E]
    const attended = this.encoder_attn.attend(asked, remembered, {
      causal: false,
      ...(memoryPaddingMask ? { keyPaddingMask: memoryPaddingMask } : {}),
      ...(crossAttentions ? { attentions: crossAttentions } : {}),
    });
    return this.encoder_attn_layer_norm.forward(tf.add(x, this.dropout.forward(attended).reshape(x.shape)));
  }
}

/** Encoder or decoder. */
export class Stack<L extends EncoderLayer | DecoderLayer> extends Module {
  readonly layers: L[];
  readonly dropout: Dropout;

  constructor(
    scope: Scope,
    config: MarianConfig,
    count: number,
    build: new (scope: Scope, config: MarianConfig, index: number) => L,
  ) {
    super();
    const at = scope.child('layers');
    this.layers = Array.from({ length: count }, (_, i) => new build(at.child(i), config, i));
    this.dropout = new Dropout(config.dropout);
  }

  /**
   * @param embedded [B, T, E], positions added
   * @returns states [B, T, E]; with `hiddenStates`, the embeddings and each layer's output go there
   */
  run(embedded: tf.Tensor, inputs: Seq2SeqLayerInputs, hiddenStates?: tf.Tensor[]): tf.Tensor {
    let hidden = this.dropout.forward(embedded);
    hiddenStates?.push(hidden);
    for (const layer of this.layers) {
      hidden = inputs.gradientCheckpointing
        ? checkpointed(layer, hidden, inputs)
        : layer.forward(hidden, inputs);
      hiddenStates?.push(hidden);
    }
    return hidden;
  }
}

/** A layer whose activations are computed again when its gradient is; what it sees of the encoder comes from outside. */
function checkpointed(
  layer: EncoderLayer | DecoderLayer,
  x: tf.Tensor,
  inputs: Seq2SeqLayerInputs,
): tf.Tensor {
  const { keyPaddingMask, memory, memoryPaddingMask } = inputs;
  const remembered = memory?.(layer.index);
  const given = { keyPaddingMask, memoryPaddingMask, key: remembered?.key, value: remembered?.value };
  const names = Object.keys(given).filter((name) => given[name as keyof typeof given] !== undefined);
  const forward = (hidden: tf.Tensor, ...tensors: tf.Tensor[]): tf.Tensor => {
    const { key, value, ...masks } = Object.fromEntries(names.map((name, i) => [name, tensors[i]!]));
    const seen = key && value ? { memory: (): KeysAndValues => ({ key, value }) } : {};
    return layer.forward(hidden, { ...masks, ...seen });
  };
  const inside = layer.namedParameters().filter(([key]) => !/encoder_attn\.[kv]_proj\./.test(key));
  return gradientCheckpoint(
    forward,
    [x, ...names.map((name) => given[name as keyof typeof given]!)],
    inside.map(([, parameter]) => parameter),
  );
}

/**
 * Positions from `start` on: sines of all frequencies in the first half of the columns, cosines in the second.
 *
 * @returns [length, width]
 */
export function positions(length: number, width: number, start = 0): tf.Tensor2D {
  const sines = Math.ceil(width / 2);
  const table = new Float32Array(length * width);
  for (let column = 0; column < width; column++) {
    const i = column < sines ? column : column - sines;
    const wave = column < sines ? Math.sin : Math.cos;
    for (let t = 0; t < length; t++) {
      table[t * width + column] = wave((start + t) / 10000 ** ((2 * i) / width));
    }
  }
  return tf.tensor2d(table, [length, width]);
}
