import tf = require('@tensorflow/tfjs');

import type { Initializer } from '../module/initializers.js';
import { Module } from '../module/module.js';
import type { Scope } from '../module/scope.js';
import type { Activation } from '../ops/kernels.js';
import { Dropout, LayerNorm } from './basic.js';
import { FeedForward } from './feed-forward.js';
import type { KeyValueCache } from './key-value-cache.js';
import { type KeysAndValues, MultiHeadAttention } from './multi-head-attention.js';

export interface BlockOptions {
  width: number;
  numHeads: number;
  /** Default: 4 * width. */
  innerWidth?: number;
  /** Default: relu. */
  activation?: Activation;
  gated?: boolean;
  /** Rate of dropout on probabilities, on inner activations and on what each part adds. Default: 0. */
  dropout?: number;
  /** Normalise before each part instead of after its sum. Default: false. */
  normFirst?: boolean;
  /** Default: 1e-5. */
  epsilon?: number;
  /** Which layer of a cache a decoder block writes to. Default: 0. */
  layer?: number;
  initialize?: Initializer;
}

export interface EncoderInputs {
  /** [B, T], 1 keep, 0 hide */
  keyPaddingMask?: tf.Tensor;
  /** [1 or B, 1 or H, T, T], added to the scores */
  bias?: tf.Tensor;
}

export interface DecoderInputs {
  /** [B, S, width] */
  memory?: tf.Tensor;
  /** Instead of `memory`: what the block's `cross_attn.keysAndValues` made of it. */
  projected?: KeysAndValues;
  /** [B, S], 1 keep, 0 hide */
  memoryPaddingMask?: tf.Tensor;
  /** Of the positions of x, with a cache also the earlier ones: [B, T], 1 keep, 0 hide */
  keyPaddingMask?: tf.Tensor;
  cache?: KeyValueCache;
}

/** What both blocks share: a part, dropout, the sum with its input, the normalisation before or after. */
abstract class Block extends Module {
  readonly dropout: Dropout;
  readonly normFirst: boolean;

  constructor({ dropout = 0, normFirst = false }: BlockOptions) {
    super();
    this.dropout = new Dropout(dropout);
    this.normFirst = normFirst;
  }

  protected residual(x: tf.Tensor, norm: LayerNorm, part: (x: tf.Tensor) => tf.Tensor): tf.Tensor {
    if (this.normFirst) return tf.add(x, this.dropout.forward(part(norm.forward(x))));
    return norm.forward(tf.add(x, this.dropout.forward(part(x))));
  }
}

/** Self attention and a feed-forward part: [B, T, width] -> [B, T, width]. */
export class EncoderBlock extends Block {
  readonly self_attn: MultiHeadAttention;
  readonly feed_forward: FeedForward;
  readonly norm1: LayerNorm;
  readonly norm2: LayerNorm;

  constructor(scope: Scope, options: BlockOptions) {
    super(options);
    this.self_attn = new MultiHeadAttention(scope.child('self_attn'), options);
    this.feed_forward = new FeedForward(scope.child('feed_forward'), options);
    this.norm1 = new LayerNorm(scope.child('norm1'), options);
    this.norm2 = new LayerNorm(scope.child('norm2'), options);
  }

  forward(x: tf.Tensor, inputs: EncoderInputs = {}): tf.Tensor {
    return tf.tidy(() => {
      const attended = this.residual(x, this.norm1, (h) => this.self_attn.forward(h, inputs)); // [B, T, width]
      return this.residual(attended, this.norm2, (h) => this.feed_forward.forward(h)); // [B, T, width]
    });
  }
}

/** Causal self attention, attention to a memory, and a feed-forward part: [B, T, width] -> [B, T, width]. */
export class DecoderBlock extends Block {
  readonly self_attn: MultiHeadAttention;
  readonly cross_attn: MultiHeadAttention;
  readonly feed_forward: FeedForward;
  readonly norm1: LayerNorm;
  readonly norm2: LayerNorm;
  readonly norm3: LayerNorm;

  constructor(scope: Scope, options: BlockOptions) {
    super(options);
    this.self_attn = new MultiHeadAttention(scope.child('self_attn'), options);
    this.cross_attn = new MultiHeadAttention(scope.child('cross_attn'), options);
    this.feed_forward = new FeedForward(scope.child('feed_forward'), options);
    this.norm1 = new LayerNorm(scope.child('norm1'), options);
    this.norm2 = new LayerNorm(scope.child('norm2'), options);
    this.norm3 = new LayerNorm(scope.child('norm3'), options);
  }

  forward(x: tf.Tensor, inputs: DecoderInputs): tf.Tensor {
    const { memory, projected, memoryPaddingMask, keyPaddingMask, cache } = inputs;
    const own = {
      causal: true,
      ...(keyPaddingMask ? { keyPaddingMask } : {}),
      ...(cache ? { cache } : {}),
    };
    const cross = {
      ...(memory ? { memory } : {}),
      ...(projected ? { projected } : {}),
      ...(memoryPaddingMask ? { keyPaddingMask: memoryPaddingMask } : {}),
    };
    return tf.tidy(() => {
      const attended = this.residual(x, this.norm1, (h) => this.self_attn.forward(h, own)); // [B, T, width]
      const informed = this.residual(attended, this.norm2, (h) => this.cross_attn.forward(h, cross));
      return this.residual(informed, this.norm3, (h) => this.feed_forward.forward(h)); // [B, T, width]
    });
  }
}
