import tf = require('@tensorflow/tfjs');

import { ConfigError } from '@weft/errors';
import { Module } from '../module/module.js';
import { Scope } from '../module/scope.js';
import { randomSource } from '../module/sources.js';
import { checkShape } from '../ops/check.js';
import { Linear } from './basic.js';

/**
 * Multi-head self-attention as textbooks write it: heads are split first, and all heads share one bias-free
 * [headDim, headDim] projection each for values, keys and queries.
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { SelfAttention } from '@weft/attention';
 *
 * using attention = new SelfAttention({ embedSize: 8, heads: 2 });
 * const x = tf.randomNormal([1, 5, 8]);
 * console.assert(attention.forward(x, x, x).shape.join() === '1,5,8');
 * ```
 */
export class SelfAttention extends Module {
  readonly values: Linear;
  readonly keys: Linear;
  readonly queries: Linear;
  readonly fc_out: Linear;
  readonly embedSize: number;
  readonly heads: number;

  /** @throws ConfigError when `heads` does not divide `embedSize` */
  constructor({ embedSize, heads, seed = 0 }: { embedSize: number; heads: number; seed?: number }) {
    super();
    if (!Number.isInteger(embedSize / heads)) {
      throw new ConfigError({
        operation: 'SelfAttention',
        expected: 'an embedSize that heads divides',
        received: `embedSize ${embedSize}, heads ${heads}`,
        remedy: `choose an embedSize that is a multiple of ${heads}`,
      });
    }
    const scope = new Scope(randomSource(seed));
    const shared = { inFeatures: embedSize / heads, outFeatures: embedSize / heads, bias: false };
    this.embedSize = embedSize;
    this.heads = heads;
    this.values = new Linear(scope.child('values'), shared);
    this.keys = new Linear(scope.child('keys'), shared);
    this.queries = new Linear(scope.child('queries'), shared);
    this.fc_out = new Linear(scope.child('fc_out'), { inFeatures: embedSize, outFeatures: embedSize });
  }

  /**
   * @param values [B, Tk, embedSize]
   * @param keys [B, Tk, embedSize]
   * @param query [B, Tq, embedSize]
   * @param mask broadcastable to [B, heads, Tq, Tk]; positions where it is 0 are hidden
   * @returns [B, Tq, embedSize]
   * @throws ShapeError when an input is not embedSize wide
   */
  forward(values: tf.Tensor, keys: tf.Tensor, query: tf.Tensor, mask?: tf.Tensor): tf.Tensor {
    const [batch] = query.shape as [number];
    checkShape('SelfAttention', 'values', values, [batch, 'keys', this.embedSize]);
    checkShape('SelfAttention', 'keys', keys, [batch, values.shape[1]!, this.embedSize]);
    checkShape('SelfAttention', 'query', query, [batch, 'queries', this.embedSize]);
    return tf.tidy(() => {
      const v = this.#split(values, this.values); // [B, H, Tk, D]
      const k = this.#split(keys, this.keys); // [B, H, Tk, D]
      const q = this.#split(query, this.queries); // [B, H, Tq, D]
      let energy = tf.matMul(q, k, false, true); // [B, H, Tq, Tk]
      if (mask) {
        const hidden = tf.broadcastTo(tf.equal(mask, 0), energy.shape);
        energy = tf.where(hidden, tf.fill(energy.shape, -1e20), energy);
      }
      const weights = tf.softmax(tf.div(energy, Math.sqrt(this.embedSize))); // [B, H, Tq, Tk]
      const joined = tf.transpose(tf.matMul(weights, v), [0, 2, 1, 3]).reshape(query.shape); // [B, Tq, E]
      return this.fc_out.forward(joined);
    });
  }

  /** [B, T, H * D] -> [B, H, T, D], each head through the shared projection */
  #split(x: tf.Tensor, projection: Linear): tf.Tensor {
    const [batch, length] = x.shape as [number, number];
    const heads = x.reshape([batch, length, this.heads, this.embedSize / this.heads]);
    return tf.transpose(projection.forward(heads), [0, 2, 1, 3]);
  }
}
