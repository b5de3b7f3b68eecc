import tf = require('@tensorflow/tfjs');

import { InputError } from '@weft/errors';
import { checkShape } from './check.js';
import { hasKernel, isRecording, runFused } from './dispatch.js';
import { dropoutMask, noDropout } from './dropout.js';
import { ATTENTION, ATTENTION_GRAD, type AttentionAttrs, type DropoutAttrs } from './kernels.js';

export interface AttentionInputs {
  /** [B, Tq, H * D] */
  query: tf.Tensor;
  /** [B, C, Hk * D], of which the first `keyLength` positions count */
  key: tf.Tensor;
  /** [B, C, Hk * Dv] */
  value: tf.Tensor;
  numHeads: number;
  /** Heads of key and value; divides `numHeads`. Default: `numHeads`. */
  numKeyHeads?: number;
  /** Default: 1 / sqrt(D). T5 uses 1. */
  scale?: number;
  /** Query i sees keys up to i + keyLength - Tq. */
  causal?: boolean;
  /** Key positions that exist. Default: all of them. */
  keyLength?: number;
  /** [B, keyLength], 1 keep, 0 hide */
  keyPaddingMask?: tf.Tensor;
  /** [1 or B, 1 or H, Tq, keyLength], added to the scaled scores */
  bias?: tf.Tensor;
  dropout?: DropoutAttrs;
}

/**
 * softmax(scale * query key^T + bias) value, head by head (Vaswani et al., 2017). Heads lie side by side in
 * the last axis, as a linear gives them. A row whose keys are all padding is their mean, never NaN.
 *
 * @returns [B, Tq, H * Dv]
 * @throws ShapeError, InputError when sizes do not fit together
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { scaledDotProductAttention } from '@weft/attention';
 *
 * const x = tf.tensor3d([[[1], [2], [3]]]);
 * const y = scaledDotProductAttention({ query: x, key: x, value: x, numHeads: 1, causal: true });
 * console.assert(y.dataSync()[0] === 1); // the first position sees only itself
 * ```
 */
export function scaledDotProductAttention(inputs: AttentionInputs): tf.Tensor {
  const attrs = attributes(inputs);
  const { query, key, value, keyPaddingMask, bias } = inputs;
  if (hasKernel(ATTENTION)) {
    if (isRecording()) return fusedWithGradient(inputs, attrs);
    const [y, logSumExp] = runFused(ATTENTION, { query, key, value, keyPaddingMask, bias }, attrs);
    logSumExp!.dispose();
    return y!;
  }
  return tf.tidy(() => attend(inputs, attrs).output);
}

/**
 * The same, with the probabilities, for models that are asked for their attentions. Always in plain tfjs.
 *
 * @returns output [B, Tq, H * Dv], weights [B, H, Tq, keyLength] after dropout
 */
export function attentionWithWeights(inputs: AttentionInputs): { output: tf.Tensor; weights: tf.Tensor4D } {
  return tf.tidy(() => attend(inputs, attributes(inputs)));
}

function attributes({
  query,
  key,
  value,
  bias,
  keyPaddingMask,
  ...options
}: AttentionInputs): AttentionAttrs {
  checkShape('scaledDotProductAttention', 'query', query, ['batch', 'positions', 'width']);
  const [batch, queries, width] = query.shape as [number, number, number];
  const { numHeads, numKeyHeads = numHeads, keyLength = key.shape[1]!, causal = false } = options;
  if (width % numHeads !== 0 || numHeads % numKeyHeads !== 0) {
    throw new InputError({
      operation: 'scaledDotProductAttention',
      expected: `a query width that ${numHeads} heads divide, and key heads that divide them`,
      received: `width ${width}, ${numHeads} heads, ${numKeyHeads} key heads`,
      remedy: 'choose a width that is a multiple of the number of heads',
    });
  }
  const headSize = width / numHeads;
  checkShape('scaledDotProductAttention', 'key', key, [batch, 'capacity', numKeyHeads * headSize]);
  checkShape('scaledDotProductAttention', 'value', value, [batch, key.shape[1]!, 'width']);
  if (keyLength > key.shape[1]!) {
    throw new InputError({
      operation: 'scaledDotProductAttention',
      expected: `a keyLength of at most ${key.shape[1]}, the positions that key and value have`,
      received: String(keyLength),
      remedy: 'append to the cache before attending to it',
    });
  }
  if (keyPaddingMask)
    checkShape('scaledDotProductAttention', 'keyPaddingMask', keyPaddingMask, [batch, keyLength]);
  if (bias) {
    const [rows, heads] = bias.shape;
    checkShape('scaledDotProductAttention', 'bias', bias, [
      rows === 1 ? 1 : batch,
      heads === 1 ? 1 : numHeads,
      queries,
      keyLength,
    ]);
  }
  return {
    numHeads,
    numKeyHeads,
    scale: options.scale ?? 1 / Math.sqrt(headSize),
    causal,
    keyLength,
    dropout: options.dropout ?? noDropout,
  };
}

// The lowest finite float32: padding counts as this, so that a row that sees nothing else is uniform.
const LOWEST = -3.4028234663852886e38;

function attend(inputs: AttentionInputs, attrs: AttentionAttrs): { output: tf.Tensor; weights: tf.Tensor4D } {
  const { numHeads, numKeyHeads, scale, keyLength, causal, dropout } = attrs;
  const [batch, queries] = inputs.query.shape as [number, number, number];
  const query = splitHeads(inputs.query, numHeads); // [B, H, Tq, D]
  const key = repeatHeads(splitHeads(firstPositions(inputs.key, keyLength), numKeyHeads), numHeads); // [B, H, Tk, D]
  const value = repeatHeads(splitHeads(firstPositions(inputs.value, keyLength), numKeyHeads), numHeads);
  let scores: tf.Tensor = tf.mul(tf.matMul(query, key, false, true), scale); // [B, H, Tq, Tk]
  if (inputs.bias) scores = tf.add(scores, inputs.bias);
  if (inputs.keyPaddingMask)
    scores = hide(scores, tf.equal(inputs.keyPaddingMask, 0).reshape([batch, 1, 1, keyLength]), LOWEST);
  if (causal && queries > 1) scores = hide(scores, future(queries, keyLength), Number.NEGATIVE_INFINITY);
  let weights = tf.softmax(scores) as tf.Tensor4D;
  if (causal && queries > keyLength) weights = tf.mul(weights, seeing(queries, keyLength));
  if (dropout.rate > 0) weights = tf.mul(weights, dropoutMask(weights.shape, dropout));
  const joined = tf.transpose(tf.matMul(weights, value), [0, 2, 1, 3]); // [B, Tq, H, Dv]
  return { output: joined.reshape([batch, queries, -1]), weights };
}

/** Scores with this value where `hidden`, broadcastable to them, is true. */
function hide(scores: tf.Tensor, hidden: tf.Tensor, value: number): tf.Tensor {
  return tf.where(tf.broadcastTo(hidden, scores.shape), tf.fill(scores.shape, value), scores);
}

/**
 * True where key j lies in the future of query i: [1, 1, Tq, Tk]. Queries before every key keep their scores,
 * so that their softmax is finite; `seeing` makes them zero.
 */
function future(queries: number, keyLength: number): tf.Tensor {
  const last = Int32Array.from({ length: queries }, (_, i) => {
    const position = i + keyLength - queries;
    return position < 0 ? keyLength : position;
  });
  const keys = tf.range(0, keyLength, 1, 'int32').reshape([1, 1, 1, keyLength]);
  return tf.greater(keys, tf.tensor(last, [1, 1, queries, 1], 'int32'));
}

/** 1 for queries that have a key at or before them, 0 for others: [1, 1, Tq, 1]. */
function seeing(queries: number, keyLength: number): tf.Tensor {
  const sees = Float32Array.from({ length: queries }, (_, i) => (i + keyLength - queries < 0 ? 0 : 1));
  return tf.tensor(sees, [1, 1, queries, 1]);
}

function firstPositions(x: tf.Tensor, length: number): tf.Tensor {
  return x.shape[1] === length ? x : tf.slice(x, [0, 0, 0], [-1, length, -1]);
}

/** [B, T, H * D] -> [B, H, T, D] */
function splitHeads(x: tf.Tensor, heads: number): tf.Tensor4D {
  const [batch, length, width] = x.shape as [number, number, number];
  return tf.transpose(x.reshape([batch, length, heads, width / heads]), [0, 2, 1, 3]) as tf.Tensor4D;
}

/** [B, Hk, T, D] -> [B, H, T, D], each key head serving H / Hk query heads in a row */
function repeatHeads(x: tf.Tensor4D, heads: number): tf.Tensor4D {
  const [batch, keyHeads, length, size] = x.shape;
  if (keyHeads === heads) return x;
  // Of rank 3: the gradient of a tile knows no more than four axes.
  const repeated = tf.tile(x.reshape([batch * keyHeads, 1, length * size]), [1, heads / keyHeads, 1]);
  return repeated.reshape([batch, heads, length, size]);
}

/** The fused kernel with its gradient. Not a registered one: optional inputs could not be saved for it. */
function fusedWithGradient(
  { query, key, value, bias, keyPaddingMask }: AttentionInputs,
  attrs: AttentionAttrs,
): tf.Tensor {
  const run = tf.customGrad((...given) => {
    const save = given.pop() as tf.GradSaveFunc;
    const [q, k, v, b] = given as tf.Tensor[];
    const [y, logSumExp] = runFused(
      ATTENTION,
      { query: q, key: k, value: v, keyPaddingMask, bias: b },
      attrs,
    );
    const optional = [b, keyPaddingMask].filter((tensor) => tensor !== undefined);
    save([q!, k!, v!, y!, logSumExp!, ...optional]);
    return {
      value: y!,
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const [sq, sk, sv, sy, lse, ...rest] = saved;
        const sb = b && rest[0];
        const mask = keyPaddingMask && rest.at(-1);
        const inputs = {
          dy,
          query: sq,
          key: sk,
          value: sv,
          y: sy,
          logSumExp: lse,
          keyPaddingMask: mask,
          bias: sb,
        };
        return runFused(ATTENTION_GRAD, inputs, attrs);
      },
    };
  });
  return run(...(bias ? [query, key, value, bias] : [query, key, value]));
}
