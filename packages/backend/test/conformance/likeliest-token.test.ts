import * as tf from '@tensorflow/tfjs';
import { likeliestToken, linear } from '@weft/attention';
import { ShapeError } from '@weft/errors';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { numbers } from './reference.js';

beforeEach(() => {
  tf.engine().startScope();
});
afterEach(() => {
  tf.engine().endScope();
});

const x = (shape: number[], seed: number, scale = 1) => tf.tensor(numbers(shape, seed, scale), shape);

/** Of all logits, by the same backend. */
const wanted = (states: tf.Tensor, weight: tf.Tensor, bias?: tf.Tensor) =>
  tf.argMax(linear(states, weight, bias), 1).dataSync();

// The native backend makes its coarse copy of the weight at the second call.
describe.each([1, 5, 8, 9, 40])('the likeliest token of %i rows', (rows) => {
  test.each([
    [2100, 48],
    [1040, 67],
    [7, 3],
  ])('among %i', (vocabulary, width) => {
    const weight = x([vocabulary, width], 1);
    const bias = x([vocabulary], 2);
    for (let call = 0; call < 4; call++) {
      const states = x([rows, width], 10 + call, 4);
      const given = call % 2 === 0 ? undefined : bias;
      const tokens = likeliestToken(states, weight, given);
      expect(tokens.dtype).toBe('int32');
      expect(tokens.shape).toEqual([rows]);
      expect(tokens.dataSync()).toEqual(wanted(states, weight, given));
    }
  });

  test('among equals is the first, and follows a weight that changes', () => {
    const [vocabulary, width] = [1200, 64];
    const weight = tf.variable(tf.tile(x([1, width], 3), [vocabulary, 1]));
    const states = x([rows, width], 4);
    for (let call = 0; call < 3; call++) {
      expect([...likeliestToken(states, weight).dataSync()]).toEqual(new Array(rows).fill(0));
    }
    weight.assign(x([vocabulary, width], 5));
    for (let call = 0; call < 3; call++) {
      expect(likeliestToken(states, weight).dataSync()).toEqual(wanted(states, weight));
    }
    weight.dispose();
  });
});

test('sizes that do not fit together are refused', () => {
  const [states, weight] = [tf.zeros([2, 3]), tf.zeros([5, 3])];
  expect(() => likeliestToken(tf.zeros([3]), weight)).toThrow(ShapeError);
  expect(() => likeliestToken(states, tf.zeros([5, 4]))).toThrow(ShapeError);
  expect(() => likeliestToken(states, weight, tf.zeros([4]))).toThrow(ShapeError);
});
