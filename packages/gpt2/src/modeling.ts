/**
 * GPT-2 (Radford et al., 2019, "Language Models are Unsupervised Multitask Learners"): a decoder-only
 * Transformer with layer normalisation before each part and learned positions.
 *
 * B batch, T positions fed, E width (n_embd), H heads, V vocabulary, L layers. Field names are the checkpoint's.
 */
import tf = require('@tensorflow/tfjs');

import {
  type Activation,
  attentionWithWeights,
  Dropout,
  decoderStep,
  dropoutState,
  Embedding,
  gradientCheckpoint,
  hasDecoderStep,
  idTensor,
  KeyValueCache,
  LayerNorm,
  Linear,
  Module,
  noDropout,
  normal,
  type Scope,
  type StepBlock,
  scaledDotProductAttention,
} from '@weft/attention';
import { ConfigError, InputError } from '@weft/errors';
import { type LoadOptions, loadPretrained, type ModelSource, PretrainedModel, scopeOf } from '@weft/model';
import { type GPT2Config, gpt2ConfigSchema, gpt2KeyMap } from './config.js';

const activations: Record<GPT2Config['activation_function'], Activation> = {
  gelu_new: 'geluNew',
  gelu: 'gelu',
  relu: 'relu',
  silu: 'silu',
  tanh: 'tanh',
};

/** What goes through the blocks beside the hidden states. */
interface BlockInputs extends AskedTokens {
  /** [B, positions so far], 1 keep, 0 hide; absent when all count */
  keyPaddingMask?: tf.Tensor;
  cache?: KeyValueCache;
  /** Collects the probabilities [B, H, T, positions so far] of each layer. */
  attentions?: tf.Tensor[];
}

/** The last token of each row: [B, T, E] -> [B, 1, E] */
function lastTokens(x: tf.Tensor): tf.Tensor3D {
  const [batch, length, width] = x.shape as [number, number, number];
  return tf.slice(x as tf.Tensor3D, [0, length - 1, 0], [batch, 1, width]);
}

/** GPT-2's Conv1D: a linear whose weight is stored [in, out]. */
const conv1d = (scope: Scope, inFeatures: number, outFeatures: number, deviation: number): Linear =>
  new Linear(scope, { inFeatures, outFeatures, layout: 'in-out', initialize: normal(deviation) });

class Attention extends Module {
  readonly c_attn: Linear;
  readonly c_proj: Linear;
  readonly resid_dropout: Dropout;
  readonly numHeads: number;
  readonly scale: number;
  readonly rate: number;
  readonly layer: number;

  constructor(scope: Scope, config: GPT2Config, layer: number) {
    super();
    const { n_embd: width, initializer_range: deviation } = config;
    this.numHeads = config.n_head;
    this.layer = layer;
    this.rate = config.attn_pdrop;
    this.scale =
      (config.scale_attn_weights ? 1 / Math.sqrt(width / config.n_head) : 1) /
      (config.scale_attn_by_inverse_layer_idx ? layer + 1 : 1);
    this.c_attn = conv1d(scope.child('c_attn'), width, 3 * width, deviation);
    // Residual projections start smaller, by the number of residual layers (two a block).
    this.c_proj = conv1d(scope.child('c_proj'), width, width, deviation / Math.sqrt(2 * config.n_layer));
    this.resid_dropout = new Dropout(config.resid_pdrop);
  }

  forward(x: tf.Tensor, { keyPaddingMask, cache, attentions, lastTokenOnly }: BlockInputs): tf.Tensor {
    const [query, key, value] = tf.split(this.c_attn.forward(x), 3, -1) as tf.Tensor3D[]; // each [B, T, E]
    const held = cache
      ? cache.append(this.layer, key!, value!)
      : { key: key!, value: value!, length: key!.shape[1] };
    const inputs = {
      query: lastTokenOnly ? lastTokens(query!) : query!,
      key: held.key,
      value: held.value,
      keyLength: held.length,
      numHeads: this.numHeads,
      scale: this.scale,
      causal: true,
      dropout: this.training ? dropoutState.next(this.rate) : noDropout,
      ...(keyPaddingMask ? { keyPaddingMask } : {}),
    };
    if (!attentions)
      return this.resid_dropout.forward(this.c_proj.forward(scaledDotProductAttention(inputs)));
    const { output, weights } = attentionWithWeights(inputs);
    attentions.push(weights);
    return this.resid_dropout.forward(this.c_proj.forward(output)); // [B, T, E]
  }
}

class Mlp extends Module {
  readonly c_fc: Linear;
  readonly c_proj: Linear;
  readonly dropout: Dropout;
  readonly activation: Activation;

  constructor(scope: Scope, config: GPT2Config) {
    super();
    const { n_embd: width, n_inner: inner, initializer_range: deviation } = config;
    this.activation = activations[config.activation_function];
    this.c_fc = conv1d(scope.child('c_fc'), width, inner ?? 4 * width, deviation);
    this.c_proj = conv1d(
      scope.child('c_proj'),
      inner ?? 4 * width,
      width,
      deviation / Math.sqrt(2 * config.n_layer),
    );
    this.dropout = new Dropout(config.resid_pdrop);
  }

  forward(x: tf.Tensor): tf.Tensor {
    const hidden = this.c_fc.forward(x, this.activation); // [B, T, 4E]
    return this.dropout.forward(this.c_proj.forward(hidden)); // [B, T, E]
  }
}

class Block extends Module {
  readonly ln_1: LayerNorm;
  readonly attn: Attention;
  readonly ln_2: LayerNorm;
  readonly mlp: Mlp;

  constructor(scope: Scope, config: GPT2Config, layer: number) {
    super();
    const norm = { width: config.n_embd, epsilon: config.layer_norm_epsilon };
    this.ln_1 = new LayerNorm(scope.child('ln_1'), norm);
    this.attn = new Attention(scope.child('attn'), config, layer);
    this.ln_2 = new LayerNorm(scope.child('ln_2'), norm);
    this.mlp = new Mlp(scope.child('mlp'), config);
  }

  forward(x: tf.Tensor, inputs: BlockInputs): tf.Tensor {
    const asked = inputs.lastTokenOnly ? lastTokens(x) : x;
    const attended = tf.add(asked, this.attn.forward(this.ln_1.forward(x), inputs)); // [B, T, E]
    return tf.add(attended, this.mlp.forward(this.ln_2.forward(attended))); // [B, T, E]
  }

  /** What `decoderStep` needs of the block for one more position [B, 1, E]. */
  forStep(x: tf.Tensor, cache: KeyValueCache): StepBlock {
    const [batch, , width] = x.shape as [number, number, number];
    const { key, value } = cache.room(this.attn.layer, batch, width);
    const { c_attn, c_proj, scale } = this.attn;
    return {
      self: { norm: this.ln_1, inputs: [c_attn.forStep(x)], project: c_proj.forStep(x), key, value },
      feedForward: { norm: this.ln_2, up: this.mlp.c_fc.forStep(x), down: this.mlp.c_proj.forStep(x) },
      scale,
    };
  }
}

/** Ids and what belongs to them; arrays of rows of one length, or int32 tensors [B, T]. */
export interface GPT2Inputs {
  inputIds: readonly (readonly number[])[] | tf.Tensor2D;
  /** 1 where a token counts; [B, T], with a cache [B, positions so far] */
  attentionMask?: readonly (readonly number[])[] | tf.Tensor2D;
  /** Default: 0 .. T - 1, after the cached ones. */
  positionIds?: readonly (readonly number[])[] | tf.Tensor2D;
  cache?: KeyValueCache;
  outputHiddenStates?: boolean;
  outputAttentions?: boolean;
  /** Run each block again in the backward pass instead of keeping its activations. */
  gradientCheckpointing?: boolean;
}

/** Which tokens what follows the blocks looks at. */
export interface AskedTokens {
  /**
   * The last block computes the last token of each row alone, and `lastHiddenState` is [B, 1, E]: what generation
   * needs of a prompt. Where hidden states or attentions are asked for, all are computed. Default: false.
   */
  lastTokenOnly?: boolean;
}

export interface GPT2Outputs {
  /** [B, T, E], or [B, 1, E] where `lastTokenOnly` asked for no more, after the last layer normalisation */
  lastHiddenState: tf.Tensor3D;
  /** L + 1 tensors [B, T, E]: the embeddings, then each block's output, the last one normalised */
  hiddenStates?: tf.Tensor3D[];
  /** L tensors [B, H, T, positions so far] */
  attentions?: tf.Tensor4D[];
}

/** The blocks between ids and hidden states: the base model, whose keys have no prefix (`wte.weight`). */
export class GPT2Model extends PretrainedModel<GPT2Config> {
  static readonly architecture: string = 'GPT2Model';
  static readonly configSchema = gpt2ConfigSchema;
  static readonly keyMap = gpt2KeyMap;

  readonly wte: Embedding;
  readonly wpe: Embedding;
  readonly drop: Dropout;
  readonly h: Block[];
  readonly ln_f: LayerNorm;

  constructor(config: GPT2Config, source: ModelSource = {}) {
    super(config);
    if (config.n_embd % config.n_head !== 0) {
      throw new ConfigError({
        operation: 'GPT2Model',
        expected: 'an n_embd that n_head divides',
        received: `n_embd ${config.n_embd}, n_head ${config.n_head}`,
        remedy: 'make n_embd a multiple of n_head',
      });
    }
    const scope = scopeOf(source);
    const initialize = normal(config.initializer_range);
    this.wte = new Embedding(scope.child('wte'), {
      vocabSize: config.vocab_size,
      width: config.n_embd,
      initialize,
    });
    this.wpe = new Embedding(scope.child('wpe'), {
      vocabSize: config.n_positions,
      width: config.n_embd,
      initialize,
    });
    this.drop = new Dropout(config.embd_pdrop);
    this.h = Array.from(
      { length: config.n_layer },
      (_, layer) => new Block(scope.child('h').child(layer), config, layer),
    );
    this.ln_f = new LayerNorm(scope.child('ln_f'), {
      width: config.n_embd,
      epsilon: config.layer_norm_epsilon,
    });
  }

  forward(inputs: GPT2Inputs, asked: AskedTokens = {}): GPT2Outputs {
    return tf.tidy(() => this.#run(inputs, asked) as GPT2Outputs & tf.TensorContainer);
  }

  #run({ cache, ...inputs }: GPT2Inputs, asked: AskedTokens): GPT2Outputs {
    const ids = idTensor(inputs.inputIds); // [B, T]
    const [batch, length] = ids.shape;
    const past = cache?.length ?? 0;
    if (past + length > this.config.n_positions) {
      throw new InputError({
        operation: 'GPT2Model',
        expected: `at most ${this.config.n_positions} positions`,
        received: String(past + length),
        remedy: 'truncate the texts, or ask for fewer new tokens',
      });
    }
    const positions = inputs.positionIds
      ? idTensor(inputs.positionIds, 'positionIds')
      : tf.tile(tf.range(past, past + length, 1, 'int32').reshape([1, length]), [batch, 1]); // [B, T]
    let hidden = this.drop.forward(tf.add(this.wte.forward(ids), this.wpe.forward(positions))); // [B, T, E]
    const hiddenStates: tf.Tensor[] = [hidden];
    const attentions: tf.Tensor[] = [];
    const passed: BlockInputs = {
      ...(cache ? { cache } : {}),
      ...(inputs.attentionMask ? { keyPaddingMask: idTensor(inputs.attentionMask, 'attentionMask') } : {}),
      ...(inputs.outputAttentions ? { attentions } : {}),
    };
    const lastStatesOnly = !inputs.outputHiddenStates && !inputs.outputAttentions;
    const lastTokenOnly = asked.lastTokenOnly === true && length > 1 && lastStatesOnly;
    if (cache && lastStatesOnly && !this.training && hasDecoderStep(hidden)) {
      hidden = this.#step(hidden, cache, passed.keyPaddingMask);
    } else {
      for (const block of this.h) {
        const own: BlockInputs =
          lastTokenOnly && block === this.h.at(-1) ? { ...passed, lastTokenOnly } : passed;
        const run = (): tf.Tensor => block.forward(hidden, own); // [B, T, E]
        // What a block leaves behind is freed before the next one runs; probabilities must outlive it.
        if (inputs.gradientCheckpointing) hidden = checkpointed(block, hidden, own);
        else hidden = inputs.outputAttentions ? run() : tf.tidy(run);
        if (inputs.outputHiddenStates) hiddenStates.push(hidden);
      }
    }
    cache?.advance(length);
    const lastHiddenState = this.ln_f.forward(hidden) as tf.Tensor3D; // [B, T, E]
    hiddenStates[hiddenStates.length - 1] = lastHiddenState;
    return {
      lastHiddenState,
      ...(inputs.outputHiddenStates ? { hiddenStates: hiddenStates as tf.Tensor3D[] } : {}),
      ...(inputs.outputAttentions ? { attentions: attentions as tf.Tensor4D[] } : {}),
    };
  }

  /** All blocks for one more position [B, 1, E]. */
  #step(x: tf.Tensor, cache: KeyValueCache, keyPaddingMask?: tf.Tensor): tf.Tensor {
    return decoderStep(x, {
      blocks: this.h.map((block) => block.forStep(x, cache)),
      length: cache.length + 1,
      ...(keyPaddingMask ? { keyPaddingMask } : {}),
      numHeads: this.config.n_head,
      epsilon: this.config.layer_norm_epsilon,
      activation: activations[this.config.activation_function],
    });
  }

  static fromPretrained(source: string, options: LoadOptions = {}): Promise<GPT2Model> {
    return loadPretrained(GPT2Model, source, options);
  }

  /** An empty cache of this model's size. */
  newCache(): KeyValueCache {
    return new KeyValueCache({ numLayers: this.config.n_layer, maxLength: this.config.n_positions });
  }
}

/** A block whose activations are computed again when its gradient is. */
function checkpointed(
  block: Block,
  x: tf.Tensor,
  { keyPaddingMask, lastTokenOnly = false }: BlockInputs,
): tf.Tensor {
  const forward = (hidden: tf.Tensor, mask?: tf.Tensor): tf.Tensor =>
    block.forward(hidden, { lastTokenOnly, ...(mask ? { keyPaddingMask: mask } : {}) });
  return gradientCheckpoint(forward, keyPaddingMask ? [x, keyPaddingMask] : [x], block.parameters());
}
