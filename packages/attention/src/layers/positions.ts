import tf = require('@tensorflow/tfjs');

import { normal } from '../module/initializers.js';
import { Module } from '../module/module.js';
import type { Scope } from '../module/scope.js';
import { embedding } from '../ops/embedding.js';

/**
 * Sinusoidal positions (Vaswani et al., 2017, section 3.5): column 2i holds sin(t / 10000^(2i / width)), column
 * 2i + 1 the cosine.
 *
 * @param start the first position
 * @returns [length, width]
 * @example
 * ```ts
 * import { sinusoidalPositions } from '@weft/attention';
 *
 * console.assert(sinusoidalPositions(1, 4).dataSync().join() === '0,1,0,1');
 * ```
 */
export function sinusoidalPositions(length: number, width: number, start = 0): tf.Tensor2D {
  const table = new Float32Array(length * width);
  for (let column = 0; column < width; column++) {
    const frequency = 10000 ** (-(column - (column % 2)) / width);
    for (let t = 0; t < length; t++) {
      const angle = (start + t) * frequency;
      table[t * width + column] = column % 2 === 0 ? Math.sin(angle) : Math.cos(angle);
    }
  }
  return tf.tensor2d(table, [length, width]);
}

export interface RelativeBuckets {
  /** Default: 32. */
  numBuckets?: number;
  /** From here on all distances share a bucket. Default: 128. */
  maxDistance?: number;
  /** Whether keys after the query have buckets of their own: true in encoders. Default: true. */
  bidirectional?: boolean;
}

/**
 * T5's bucket of a distance key - query (Raffel et al., 2020): half of them exact, the others growing with the
 * logarithm, which is a float32 one there and so here.
 */
export function relativePositionBucket(
  distance: number,
  { numBuckets = 32, maxDistance = 128, bidirectional = true }: RelativeBuckets = {},
): number {
  const buckets = bidirectional ? Math.floor(numBuckets / 2) : numBuckets;
  const offset = bidirectional && distance > 0 ? buckets : 0;
  const far = bidirectional ? Math.abs(distance) : Math.max(0, -distance);
  const exact = Math.floor(buckets / 2);
  if (far < exact) return offset + far;
  const { fround } = Math;
  const ratio = fround(fround(Math.log(fround(far / exact))) / fround(Math.log(maxDistance / exact)));
  return offset + Math.min(buckets - 1, exact + Math.trunc(fround(ratio * (buckets - exact))));
}

export interface RelativePositionBiasOptions extends RelativeBuckets {
  numHeads: number;
}

/** T5's learned bias of attention by relative position; its weight [numBuckets, H] is a table of buckets. */
export class RelativePositionBias extends Module {
  readonly weight: tf.Variable;
  readonly buckets: RelativeBuckets;

  constructor(scope: Scope, { numHeads, numBuckets = 32, ...buckets }: RelativePositionBiasOptions) {
    super();
    this.buckets = { numBuckets, ...buckets };
    this.weight = scope.parameter('weight', [numBuckets, numHeads], normal(1));
  }

  /**
   * The bias for the last `queryLength` of `keyLength` positions; with a cache the queries are the last ones.
   *
   * @returns [1, H, Tq, Tk]
   */
  forward(queryLength: number, keyLength = queryLength): tf.Tensor4D {
    const ids = new Int32Array(queryLength * keyLength);
    for (let i = 0; i < queryLength; i++) {
      const position = i + keyLength - queryLength;
      for (let j = 0; j < keyLength; j++)
        ids[i * keyLength + j] = relativePositionBucket(j - position, this.buckets);
    }
    return tf.tidy(() => {
      const rows = embedding(this.weight, tf.tensor2d(ids, [queryLength, keyLength], 'int32')); // [Tq, Tk, H]
      return tf.transpose(rows, [2, 0, 1]).expandDims(0) as tf.Tensor4D; // [1, H, Tq, Tk]
    });
  }
}
