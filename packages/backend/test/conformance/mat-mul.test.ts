import * as tf from '@tensorflow/tfjs';
import { closeTo, expectClose } from '@weft/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type MatMulCase, matMul, numbers, raggedSizes } from './reference.js';

beforeEach(() => {
  tf.engine().startScope();
});
afterEach(() => {
  tf.engine().endScope();
});

const transpositions = [
  [false, false],
  [false, true],
  [true, false],
  [true, true],
] as const;

function check(one: MatMulCase): void {
  const { batchA, batchB, m, k, n, transposeA, transposeB } = one;
  const shapeA = [...batchA, ...(transposeA ? [k, m] : [m, k])];
  const shapeB = [...batchB, ...(transposeB ? [n, k] : [k, n])];
  const a = numbers(shapeA, m * 31 + k);
  const b = numbers(shapeB, n * 17 + k);
  const c = tf.tidy(() =>
    tf.matMul(tf.tensor(a, shapeA), tf.tensor(b, shapeB), transposeA, transposeB).dataSync(),
  );
  expectClose(c, matMul(a, b, one), { atol: 1e-6 * Math.max(1, k / 16), rtol: 1e-5 }, JSON.stringify(one));
}

describe.each(transpositions)('matMul, transposed %s %s', (transposeA, transposeB) => {
  test('ragged sizes', () => {
    for (const m of raggedSizes) {
      for (const n of [1, 7, 16, 33, 67]) {
        for (const k of [1, 3, 16, 31, 65]) {
          check({ batchA: [], batchB: [], m, k, n, transposeA, transposeB });
        }
      }
    }
  });

  test('sizes beyond one block', () => {
    check({ batchA: [], batchB: [], m: 129, k: 257, n: 131, transposeA, transposeB });
    check({ batchA: [], batchB: [], m: 20, k: 1601, n: 37, transposeA, transposeB });
  });

  test('batches, equal and broadcast', () => {
    const size = { m: 5, k: 7, n: 9, transposeA, transposeB };
    check({ ...size, batchA: [3], batchB: [3] });
    check({ ...size, batchA: [2, 3], batchB: [2, 3] });
    check({ ...size, batchA: [4], batchB: [1] });
    check({ ...size, batchA: [1], batchB: [4] });
  });
});

test('matMul of leading axes that both broadcast', (context) => {
  // tfjs's own kernels for cpu and wasm multiply the wrong matrices here.
  if (['cpu', 'wasm'].includes(tf.getBackend()))
    return context.skip('tfjs computes another result on this backend');
  check({ batchA: [2, 1], batchB: [3], m: 5, k: 7, n: 9, transposeA: false, transposeB: true });
  check({ batchA: [2, 1, 2], batchB: [3, 1], m: 2, k: 3, n: 4, transposeA: true, transposeB: false });
});

test('matMul without elements or without depth', () => {
  expect(tf.matMul(tf.zeros([0, 3]), tf.ones([3, 2])).shape).toEqual([0, 2]);
  if (tf.getBackend() === 'native') {
    expect(Array.from(tf.matMul(tf.zeros([2, 0]), tf.ones([0, 2])).dataSync())).toEqual([0, 0, 0, 0]);
  }
});

test('matMul carries NaN and infinity', () => {
  const a = tf.tensor2d([1, Number.NaN, 1, 1, Number.POSITIVE_INFINITY, 1], [3, 2]);
  const c = tf.matMul(a, tf.ones([2, 40])).dataSync();
  expect(c[0]).toBeNaN();
  expect(c[40]).toBe(2);
  expect(c[119]).toBe(Number.POSITIVE_INFINITY);
});

test.each(transpositions)('gradients of matMul, transposed %s %s', (transposeA, transposeB) => {
  const size = { batchA: [], batchB: [], m: 5, k: 19, n: 33 };
  const shapeA: [number, number] = transposeA ? [19, 5] : [5, 19];
  const shapeB: [number, number] = transposeB ? [33, 19] : [19, 33];
  const a = numbers(shapeA, 1);
  const b = numbers(shapeB, 2);
  const dy = numbers([5, 33], 3);
  const [da, db] = tf.grads((x: tf.Tensor, w: tf.Tensor) => tf.matMul(x, w, transposeA, transposeB))(
    [tf.tensor2d(a, shapeA), tf.tensor2d(b, shapeB)],
    tf.tensor2d(dy, [5, 33]),
  ) as [tf.Tensor, tf.Tensor];
  // dA = dY B^T and dB = A^T dY, of the matrices as they are stored.
  const wantA = transposeA
    ? matMul(b, dy, { ...size, m: 19, k: 33, n: 5, transposeA: transposeB, transposeB: true })
    : matMul(dy, b, { ...size, m: 5, k: 33, n: 19, transposeA: false, transposeB: !transposeB });
  const wantB = transposeB
    ? matMul(dy, a, { ...size, m: 33, k: 5, n: 19, transposeA: true, transposeB: transposeA })
    : matMul(a, dy, { ...size, m: 19, k: 5, n: 33, transposeA: !transposeA, transposeB: false });
  expectClose(da.dataSync(), wantA, closeTo.gradients);
  expectClose(db.dataSync(), wantB, closeTo.gradients);
});

const activations = {
  linear: (x: number) => x,
  relu: (x: number) => Math.max(0, x),
  relu6: (x: number) => Math.min(6, Math.max(0, x)),
  elu: (x: number) => (x > 0 ? x : Math.expm1(x)),
  sigmoid: (x: number) => 1 / (1 + Math.exp(-x)),
} as const;

test.each(Object.entries(activations))('fused matMul ends in bias and %s', (activation, apply) => {
  for (const m of [1, 3, 20]) {
    const one = { batchA: [], batchB: [], m, k: 9, n: 35, transposeA: false, transposeB: true };
    const a = numbers([m, 9], 1, 3);
    const b = numbers([35, 9], 2);
    const bias = numbers([35], 3);
    const y = tf.fused.matMul({
      a: tf.tensor2d(a, [m, 9]),
      b: tf.tensor2d(b, [35, 9]),
      transposeB: true,
      bias: tf.tensor1d(bias),
      activation: activation as keyof typeof activations,
    });
    const want = matMul(a, b, one).map((value, i) => apply(value + bias[i % 35]!));
    expectClose(y.dataSync(), want, { atol: 2e-6, rtol: 1e-5 }, activation);
  }
});

test('the same inputs give the same bits', () => {
  const a = tf.tensor2d(numbers([70, 300], 1), [70, 300]);
  const b = tf.tensor2d(numbers([300, 130], 2), [300, 130]);
  const first = tf.matMul(a, b).dataSync();
  for (let round = 0; round < 5; round++) expect(tf.matMul(a, b).dataSync()).toEqual(first);
});
