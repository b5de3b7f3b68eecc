import * as tf from '@tensorflow/tfjs';
import { BackendError } from '@weft/errors';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { NativeBackend, NativeMemory } from './native-backend.js';

const backend = () => tf.backend() as unknown as NativeBackend;
const memory = () => tf.memory() as unknown as NativeMemory;

beforeEach(() => {
  tf.engine().startScope();
});
afterEach(() => {
  tf.engine().endScope();
});

describe('memory', () => {
  test('a disposed tensor leaves its buffer to the next of its size', () => {
    const a = tf.ones<tf.Rank.R2>([64, 64]);
    const before = memory();
    const first = tf.matMul(a, a);
    const buffer = backend().floats(first).buffer;
    first.dispose();
    expect(memory().poolFreeBytes).toBeGreaterThanOrEqual(before.poolFreeBytes);
    const second = tf.matMul(a, a);
    expect(backend().floats(second).buffer).toBe(buffer);
  });

  test('what dataSync gave does not change when the buffer is used again', async () => {
    const a = tf.ones<tf.Rank.R2>([64, 64]);
    const first = tf.matMul(a, a);
    const seen = first.dataSync();
    const promised = first.data();
    first.dispose();
    tf.matMul(a.mul(3) as tf.Tensor2D, a);
    expect(seen.every((value) => value === 64)).toBe(true);
    expect((await promised).every((value) => value === 64)).toBe(true);
  });

  test('a view made by a kernel of the cpu backend keeps its data', () => {
    const a = tf.ones<tf.Rank.R2>([64, 64]);
    const product = tf.matMul(a, a);
    const realPart = tf.real(tf.complex(product, product));
    product.dispose();
    tf.matMul(a.mul(3) as tf.Tensor2D, a);
    expect(realPart.dataSync().every((value) => value === 64)).toBe(true);
  });

  test('reshaped and cloned tensors share one buffer until the last is disposed', () => {
    const a = tf.ones<tf.Rank.R2>([64, 64]);
    const product = tf.matMul(a, a);
    const flat = product.reshape([-1]);
    const copy = flat.clone();
    product.dispose();
    flat.dispose();
    tf.matMul(a.mul(3) as tf.Tensor2D, a);
    expect(copy.dataSync().every((value) => value === 64)).toBe(true);
  });

  test('sizes that vary find their memory again, in buffers of up to twice their size', () => {
    const sizes = Array.from({ length: 40 }, (_, i) => 300 + ((i * 37) % 100));
    const squares = (size: number) => tf.tidy(() => void tf.ones([size, size]).square().square());
    squares(400);
    const { poolUsedBytes, poolFreeBytes } = memory();
    for (const size of sizes) squares(size);
    expect(memory()).toMatchObject({ poolUsedBytes, poolFreeBytes });
    squares(100); // not in a buffer sixteen times as large
    expect(memory().poolFreeBytes).toBeGreaterThan(poolFreeBytes);
  });

  test('free memory stays bounded whatever sizes come and go', () => {
    for (let size = 10; size < 400; size += 7) {
      tf.tidy(() => tf.matMul(tf.ones([size, size]), tf.ones([size, size])).square());
    }
    const { poolUsedBytes, poolFreeBytes, poolPeakBytes } = memory();
    expect(poolUsedBytes + poolFreeBytes).toBeLessThanOrEqual(poolPeakBytes * 1.25 + 64 * 2 ** 20);
  });
});

test('weights count for the garbage collector together, when all have their memory', async () => {
  const size = 16 * 2 ** 20;
  const external = () => backend().addon.countExternalMemory(0);
  const before = external();
  const weights = [0, 1, 2].map(() => backend().allocate(size));
  const during = external();
  expect(during - before).toBeLessThan(size);
  await Promise.resolve();
  expect(external() - during).toBeGreaterThan((weights.length - 1) * size); // others' memory may have been freed
  expect(weights.every(({ byteLength }) => byteLength === size)).toBe(true);
});

test('a tensor of 2^31 bytes is refused with the limit and the remedy', () => {
  expect(() => backend().output([2 ** 20, 512])).toThrow(BackendError);
  expect(() => backend().output([2 ** 20, 512])).toThrow(/fewer than 2147483648 bytes/);
});

test('complex tensors and strings work as on the cpu backend', () => {
  const z = tf.complex([1, 2], [3, 4]);
  expect(Array.from(tf.imag(z).dataSync())).toEqual([3, 4]);
  expect(tf.tensor(['a', 'weft']).dataSync()).toEqual(['a', 'weft']);
});
