import tf = require('@tensorflow/tfjs');

/**
 * Which positions of padded rows count: 1 for the first `lengths[row]` of them, 0 for the rest.
 *
 * @returns int32 [B, width]
 * @example
 * ```ts
 * import { lengthMask } from '@weft/attention';
 *
 * console.assert(lengthMask([2, 1], 3).dataSync().join() === '1,1,0,1,0,0');
 * ```
 */
export function lengthMask(lengths: readonly number[], width = Math.max(...lengths)): tf.Tensor2D {
  const mask = new Int32Array(lengths.length * width);
  for (const [row, length] of lengths.entries()) mask.fill(1, row * width, row * width + length);
  return tf.tensor2d(mask, [lengths.length, width], 'int32');
}

/**
 * 1 where query i may see key j, that is j <= i + keyLength - queryLength; 0 elsewhere. The fused attention needs
 * none of this: it takes `causal`.
 *
 * @returns int32 [1, 1, Tq, Tk]
 */
export function causalMask(queryLength: number, keyLength = queryLength): tf.Tensor4D {
  const mask = new Int32Array(queryLength * keyLength);
  for (let i = 0; i < queryLength; i++) {
    const visible = Math.max(0, i + 1 + keyLength - queryLength);
    mask.fill(1, i * keyLength, i * keyLength + visible);
  }
  return tf.tensor4d(mask, [1, 1, queryLength, keyLength], 'int32');
}

/**
 * A mask as attention's additive bias: 0 where it is not 0, the lowest finite float32 where it is. A row that
 * hides everything is then uniform, not NaN.
 */
export function maskBias(mask: tf.Tensor): tf.Tensor {
  return tf.tidy(() => tf.mul(tf.cast(tf.equal(mask, 0), 'float32'), -3.4028234663852886e38));
}
