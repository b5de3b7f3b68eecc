import * as tf from '@tensorflow/tfjs';
import { accumulate, linear } from '@weft/attention';
import { expectClose } from '@weft/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { NativeMemory } from './native-backend.js';

const packedBytes = (): number => (tf.memory() as unknown as NativeMemory).packedBytes;
const [rows, inputs, outputs] = [16, 96, 80];

beforeEach(() => {
  tf.engine().startScope();
});
afterEach(() => {
  tf.engine().endScope();
});

describe.each(['out-in', 'in-out'] as const)('a packed copy of an %s weight', (layout) => {
  const shape: [number, number] = layout === 'out-in' ? [outputs, inputs] : [inputs, outputs];
  const expected = (x: tf.Tensor, weight: tf.Tensor): Float32Array =>
    tf.matMul(x as tf.Tensor2D, weight as tf.Tensor2D, false, layout === 'out-in').dataSync() as Float32Array;

  test('serves from the second use on, with the same bits, and goes with its weight', () => {
    const before = packedBytes();
    const x = tf.randomNormal([rows, inputs]);
    const weight = tf.randomNormal(shape);
    const first = linear(x, weight, undefined, { layout }).dataSync();
    expect(packedBytes()).toBe(before);
    const second = linear(x, weight, undefined, { layout }).dataSync();
    expect(packedBytes()).toBeGreaterThan(before);
    expect(second).toEqual(first);
    expect(first).toEqual(expected(x, weight));
    weight.dispose();
    expect(packedBytes()).toBe(before);
  });

  test('follows a weight that is written in place, or assigned', () => {
    const x = tf.randomNormal([rows, inputs]);
    const weight = tf.variable(tf.randomNormal(shape));
    const run = (): void => {
      const y = linear(x, weight, undefined, { layout }).dataSync();
      expectClose(y, expected(x, weight), { atol: 1e-5, rtol: 1e-5 }, 'linear');
    };
    for (let i = 0; i < 3; i++) run();
    accumulate([weight], [tf.ones(shape)]);
    for (let i = 0; i < 3; i++) run();
    weight.assign(tf.randomNormal(shape));
    for (let i = 0; i < 3; i++) run();
    weight.dispose();
  });
});

test('nothing is packed while a tape records, or for a few rows', () => {
  const before = packedBytes();
  const x = tf.randomNormal([rows, inputs]);
  const weight = tf.variable(tf.randomNormal([outputs, inputs]));
  for (let i = 0; i < 3; i++) {
    tf.dispose(tf.variableGrads(() => tf.sum(linear(x, weight)), [weight]) as unknown as tf.TensorContainer);
    linear(x.slice([0, 0], [2, inputs]), weight);
  }
  expect(packedBytes()).toBe(before);
  weight.dispose();
});
