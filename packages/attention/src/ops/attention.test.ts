import * as tf from '@tensorflow/tfjs';
import { InputError, ShapeError } from '@weft/errors';
import { closeTo, expectClose } from '@weft/testing';
import { describe, expect, it } from 'vitest';
import { testCases } from '../../test/cases.ts';
import { type AttentionInputs, attentionWithWeights, scaledDotProductAttention } from './attention.js';
import { dropoutMultipliers } from './philox.js';

type Options = Omit<AttentionInputs, 'query' | 'key' | 'value' | 'keyPaddingMask' | 'bias' | 'dropout'>;

describe('scaledDotProductAttention', () => {
  testCases<Options & { inputs: string[]; op: string }>(
    'attention',
    ({ query, key, value, mask, bias }, { inputs: _inputs, op: _op, ...options }) =>
      scaledDotProductAttention({
        query: query!,
        key: key!,
        value: value!,
        ...(mask ? { keyPaddingMask: mask } : {}),
        ...(bias ? { bias } : {}),
        ...options,
      }),
  );

  it('gives its probabilities on demand: rows sum to one, hidden keys get none', () => {
    tf.tidy(() => {
      const x = tf.randomNormal([2, 4, 6], 0, 1, 'float32', 3);
      const keyPaddingMask = tf.tensor2d([1, 1, 1, 0, 1, 1, 1, 1], [2, 4], 'int32');
      const inputs = { query: x, key: x, value: x, numHeads: 3, causal: true, keyPaddingMask };
      const { output, weights } = attentionWithWeights(inputs);
      expect(weights.shape).toEqual([2, 3, 4, 4]);
      expectClose(tf.sum(weights, -1).dataSync(), new Float32Array(24).fill(1));
      const values = weights.arraySync();
      expect(values[0]![0]![3]![3]).toBe(0); // padding
      expect(values[1]![2]![0]!.slice(1)).toEqual([0, 0, 0]); // the future
      expectClose(scaledDotProductAttention(inputs).dataSync(), output.dataSync());
    });
  });

  it('drops probabilities by the counter-based mask, forward and backward', () => {
    tf.tidy(() => {
      const [batch, length, heads] = [2, 5, 2];
      const draw = (seed: number) => tf.randomNormal([batch, length, 6], 0, 1, 'float32', seed);
      const [query, key, value] = [draw(1), draw(2), draw(3)];
      const attrs = { rate: 0.4, seed: 9, offset: 4 };
      const size = batch * heads * length * length;
      const mask = tf.tensor(dropoutMultipliers(size, 0.4, 9, 4), [batch, heads, length, length]);
      const run = (q: tf.Tensor, k: tf.Tensor, v: tf.Tensor) =>
        scaledDotProductAttention({ query: q, key: k, value: v, numHeads: heads, dropout: attrs });
      const plain = (q: tf.Tensor, k: tf.Tensor, v: tf.Tensor) => {
        const split = (x: tf.Tensor) => tf.transpose(x.reshape([batch, length, heads, 3]), [0, 2, 1, 3]);
        const weights = tf.softmax(tf.div(tf.matMul(split(q), split(k), false, true), Math.sqrt(3)));
        const joined = tf.transpose(tf.matMul(tf.mul(weights, mask), split(v)), [0, 2, 1, 3]);
        return joined.reshape([batch, length, 6]);
      };
      expectClose(run(query, key, value).dataSync(), plain(query, key, value).dataSync());
      const dy = draw(4);
      const actual = tf.grads(run)([query, key, value], dy);
      const expected = tf.grads(plain)([query, key, value], dy);
      for (const [i, gradient] of actual.entries())
        expectClose(gradient.dataSync(), expected[i]!.dataSync(), closeTo.gradients);
    });
  });

  it('gives zero to queries that come before every key, in value and gradient', () => {
    tf.tidy(() => {
      const query = tf.randomNormal([1, 5, 4], 0, 1, 'float32', 1);
      const key = tf.randomNormal([1, 3, 4], 0, 1, 'float32', 2);
      const run = (q: tf.Tensor, k: tf.Tensor) =>
        scaledDotProductAttention({ query: q, key: k, value: k, numHeads: 2, causal: true });
      const seeing = (q: tf.Tensor, k: tf.Tensor) =>
        tf.pad(run(tf.slice(q, [0, 2, 0], [1, 3, 4]), k), [
          [0, 0],
          [2, 0],
          [0, 0],
        ]);
      expectClose(run(query, key).dataSync(), seeing(query, key).dataSync());
      const dy = tf.ones([1, 5, 4]);
      const expected = tf.grads(seeing)([query, key], dy);
      for (const [i, gradient] of tf.grads(run)([query, key], dy).entries())
        expectClose(gradient.dataSync(), expected[i]!.dataSync(), closeTo.gradients);
    });
  });

  it('says what does not fit', () => {
    tf.tidy(() => {
      const x = tf.zeros([2, 4, 6]);
      const run = (change: Partial<AttentionInputs>) => () =>
        scaledDotProductAttention({ query: x, key: x, value: x, numHeads: 3, ...change });
      expect(run({ numHeads: 4 })).toThrow(InputError);
      expect(run({ numKeyHeads: 2 })).toThrow(InputError);
      expect(run({ key: tf.zeros([2, 4, 5]) })).toThrow(/key of shape \[2, capacity, 6\]/);
      expect(run({ value: tf.zeros([2, 3, 6]) })).toThrow(ShapeError);
      expect(run({ keyPaddingMask: tf.ones([2, 3]) })).toThrow(/keyPaddingMask/);
      expect(run({ bias: tf.ones([2, 3, 4, 3]) })).toThrow(/bias/);
      expect(run({ bias: tf.ones([3, 3, 4, 4]) })).toThrow(/bias/);
      expect(run({ query: tf.zeros([4, 6]) })).toThrow(/query/);
      expect(run({ keyLength: 5 })).toThrow(InputError);
    });
  });
});
