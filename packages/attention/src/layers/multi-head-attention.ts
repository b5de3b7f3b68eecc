import tf = require('@tensorflow/tfjs');

import { ConfigError } from '@weft/errors';
import type { Initializer } from '../module/initializers.js';
import { Module } from '../module/module.js';
import type { Scope } from '../module/scope.js';
import { type AttentionInputs, attentionWithWeights, scaledDotProductAttention } from '../ops/attention.js';
import { dropoutState, noDropout } from '../ops/dropout.js';
import { Linear } from './basic.js';
import type { KeyValueCache } from './key-value-cache.js';

export interface MultiHeadAttentionOptions {
  width: number;
  numHeads: number;
  /** Heads of keys and values, fewer than of queries in grouped attention. Default: `numHeads`. */
  numKeyHeads?: number;
  /** Default: width / numHeads. */
  headSize?: number;
  /** Width of the memory that keys and values are made of. Default: `width`. */
  memoryWidth?: number;
  /** Whether the projections have biases. Default: true. */
  bias?: boolean;
  /** Rate of dropout on the probabilities. Default: 0. */
  dropout?: number;
  /** Default: 1 / sqrt(headSize). */
  scale?: number;
  /** Which layer of a cache this one writes to. Default: 0. */
  layer?: number;
  initialize?: Initializer;
}

/** Keys and values of a memory, computed once for many queries. */
export interface KeysAndValues {
  /** [B, Tk, Hk * D] */
  key: tf.Tensor;
  /** [B, Tk, Hk * D] */
  value: tf.Tensor;
}

export interface MultiHeadAttentionInputs {
  /** [B, Tk, memoryWidth], for cross attention. Default: x itself. */
  memory?: tf.Tensor;
  /** Instead of `memory`: what `keysAndValues` made of it. */
  projected?: KeysAndValues;
  /** Earlier positions of x; the new ones are appended. For self attention. */
  cache?: KeyValueCache;
  /** [B, Tk], 1 keep, 0 hide */
  keyPaddingMask?: tf.Tensor;
  /** [1 or B, 1 or H, Tq, Tk] */
  bias?: tf.Tensor;
  causal?: boolean;
  /** Takes the probabilities [B, H, Tq, Tk] where it is given; call inside tf.tidy then. */
  attentions?: tf.Tensor[];
}

/**
 * Multi-head attention (Vaswani et al., 2017): self attention, or cross attention to a memory.
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { MultiHeadAttention, randomSource, Scope } from '@weft/attention';
 *
 * using attention = new MultiHeadAttention(new Scope(randomSource(1)), { width: 8, numHeads: 2 });
 * const y = attention.forward(tf.ones([1, 3, 8]), { memory: tf.ones([1, 5, 8]) });
 * console.assert(y.shape.join() === '1,3,8');
 * ```
 */
export class MultiHeadAttention extends Module {
  readonly q_proj: Linear;
  readonly k_proj: Linear;
  readonly v_proj: Linear;
  readonly out_proj: Linear;
  readonly numHeads: number;
  readonly numKeyHeads: number;
  readonly scale: number;
  readonly dropout: number;
  readonly layer: number;

  /** @throws ConfigError when the heads do not divide the width, or the key heads the heads */
  constructor(scope: Scope, options: MultiHeadAttentionOptions) {
    super();
    const { width, numHeads, numKeyHeads = numHeads, memoryWidth = width, bias = true } = options;
    const { headSize = width / numHeads, initialize } = options;
    if (!Number.isInteger(headSize) || numHeads % numKeyHeads !== 0) {
      throw new ConfigError({
        operation: 'MultiHeadAttention',
        expected: 'a width that numHeads divides, and heads that numKeyHeads divides',
        received: `width ${width}, numHeads ${numHeads}, numKeyHeads ${numKeyHeads}`,
        remedy: `choose a width that is a multiple of ${numHeads}, or pass headSize`,
      });
    }
    const common = { bias, ...(initialize ? { initialize } : {}) };
    const project = (name: string, inFeatures: number, outFeatures: number) =>
      new Linear(scope.child(name), { inFeatures, outFeatures, ...common });
    this.numHeads = numHeads;
    this.numKeyHeads = numKeyHeads;
    this.scale = options.scale ?? 1 / Math.sqrt(headSize);
    this.dropout = options.dropout ?? 0;
    this.layer = options.layer ?? 0;
    this.q_proj = project('q_proj', width, numHeads * headSize);
    this.k_proj = project('k_proj', memoryWidth, numKeyHeads * headSize);
    this.v_proj = project('v_proj', memoryWidth, numKeyHeads * headSize);
    this.out_proj = project('out_proj', numHeads * headSize, width);
  }

  /** Keys and values of a memory [B, Tk, memoryWidth], for `projected`. */
  keysAndValues(memory: tf.Tensor): KeysAndValues {
    return { key: this.k_proj.forward(memory), value: this.v_proj.forward(memory) };
  }

  /**
   * @param x [B, Tq, width]
   * @returns [B, Tq, width]
   */
  forward(x: tf.Tensor, inputs: MultiHeadAttentionInputs = {}): tf.Tensor {
    // The probabilities must outlive this call: its caller's tidy frees them.
    return inputs.attentions ? this.#run(x, inputs) : tf.tidy(() => this.#run(x, inputs));
  }

  #run(x: tf.Tensor, inputs: MultiHeadAttentionInputs): tf.Tensor {
    const { memory = x, cache, keyPaddingMask, bias, causal = false, attentions } = inputs;
    const query = this.q_proj.forward(x); // [B, Tq, H * D]
    const { key, value } = inputs.projected ?? this.keysAndValues(memory); // [B, Tk, Hk * D]
    const held = cache?.append(this.layer, key as tf.Tensor3D, value as tf.Tensor3D);
    const given: AttentionInputs = {
      query,
      key: held?.key ?? key,
      value: held?.value ?? value,
      numHeads: this.numHeads,
      numKeyHeads: this.numKeyHeads,
      scale: this.scale,
      causal,
      dropout: this.training ? dropoutState.next(this.dropout) : noDropout,
      ...(held ? { keyLength: held.length } : {}),
      ...(keyPaddingMask ? { keyPaddingMask } : {}),
      ...(bias ? { bias } : {}),
    };
    if (!attentions) return this.out_proj.forward(scaledDotProductAttention(given)); // [B, Tq, width]
    const { output, weights } = attentionWithWeights(given);
    attentions.push(weights);
    return this.out_proj.forward(output); // [B, Tq, width]
  }
}
