import * as tf from '@tensorflow/tfjs';
import { kernels, runFused } from '@weft/attention';
import { InputError, ShapeError } from '@weft/errors';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { NativeMemory } from '../native/native-backend.js';

// The ops check what a user gives them; these are the kernels' own checks, which keep C++ within its arrays.
beforeEach(() => {
  tf.engine().startScope();
});
afterEach(() => {
  tf.engine().endScope();
});

const used = () => (tf.memory() as unknown as NativeMemory).poolUsedBytes;

const attention = (inputs: Record<string, tf.Tensor>, attrs: object = {}) => {
  const query = tf.zeros([2, 3, 8]);
  const dropout = { rate: 0, seed: 0, offset: 0 };
  const defaults = { numHeads: 2, numKeyHeads: 2, scale: 1, causal: false, keyLength: 3, dropout };
  return runFused(
    kernels.ATTENTION,
    { query, key: query, value: query, ...inputs },
    { ...defaults, ...attrs },
  );
};

describe('attention', () => {
  test('a key of another width, or shorter than its length says', () => {
    expect(() => attention({ key: tf.zeros([2, 3, 4]) })).toThrow(ShapeError);
    expect(() => attention({}, { keyLength: 4 })).toThrow(ShapeError);
  });

  test('a bias or a mask of another size', () => {
    expect(() => attention({ bias: tf.zeros([3, 2, 3, 3]) })).toThrow(ShapeError);
    expect(() => attention({ bias: tf.zeros([1, 1, 3, 2]) })).toThrow(/bias of shape \[1, 1, 3, 3\]/);
    expect(() => attention({ keyPaddingMask: tf.zeros([2, 2]) })).toThrow(ShapeError);
  });

  test('no keys at all give zero', () => {
    const [y] = attention({}, { keyLength: 0 });
    expect(y!.dataSync().every((value) => value === 0)).toBe(true);
  });
});

test('ids and labels out of range, and nothing is kept of the outputs', () => {
  const ids = tf.tensor1d([0, 5], 'int32');
  const rows = tf.ones([5, 600]);
  const before = used();
  expect(() => runFused(kernels.EMBEDDING, { weight: rows, ids }, {})).toThrow(InputError);
  expect(() =>
    runFused(kernels.EMBEDDING_GRAD, { ids, dy: rows }, { vocabSize: 5, paddingIndex: -1 }),
  ).toThrow(/5 at position 1/);
  const attrs = { ignoreIndex: -100, labelSmoothing: 0, reduction: 'mean' };
  const logits = tf.ones([2, 5]);
  expect(() => runFused(kernels.CROSS_ENTROPY, { logits, labels: ids }, attrs)).toThrow(InputError);
  const joint = { hidden: tf.ones([2, 600]), weight: rows, labels: ids };
  const held = used();
  expect(() => runFused(kernels.LINEAR_CROSS_ENTROPY, joint, { ...attrs, computeGradients: true })).toThrow(
    InputError,
  );
  expect(used()).toBe(held);
  expect(held - before).toBeLessThan(8192);
  expect(() => tf.gather(rows, ids)).toThrow(/not in \[0, 4\]/);
});

test('lists of tensors that do not belong together', () => {
  const [a, b] = [tf.zeros([3]), tf.zeros([4])];
  const attrs = {
    learningRate: [1],
    weightDecay: [0],
    beta1: 0,
    beta2: 0,
    epsilon: 1,
    step: 1,
    gradientScale: 1,
  };
  const step = { parameter0: a, gradient0: b, mean0: a, variance0: a };
  expect(() => runFused(kernels.ADAMW, step, attrs)).toThrow(/gradient 0/);
  expect(() => runFused(kernels.ADAMW, { ...step, gradient0: a, gradient1: a }, attrs)).toThrow(ShapeError);
  expect(() => runFused(kernels.ACCUMULATE, { sum0: a, addend0: b }, {})).toThrow(ShapeError);
});

test('positions beyond a cache', () => {
  const [cache, update] = [tf.zeros([1, 4, 2]), tf.ones([1, 2, 2])];
  expect(() => runFused(kernels.CACHE_APPEND, { cache, update }, { position: 3 })).toThrow(/capacity of 4/);
  runFused(kernels.CACHE_APPEND, { cache, update }, { position: 2 });
  expect(Array.from(cache.dataSync())).toEqual([0, 0, 0, 0, 1, 1, 1, 1]);
});
