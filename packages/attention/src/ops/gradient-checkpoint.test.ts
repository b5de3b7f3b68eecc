import * as tf from '@tensorflow/tfjs';
import { expectClose } from '@weft/testing';
import { describe, expect, it } from 'vitest';
import { Linear } from '../layers/basic.js';
import { Scope } from '../module/scope.js';
import { randomSource } from '../module/sources.js';
import { dropout, dropoutState } from './dropout.js';
import { gradientCheckpoint } from './gradient-checkpoint.js';

describe('gradientCheckpoint', () => {
  it('gives the same loss and gradients through blocks with dropout and a mask, bit for bit, without a leak', () => {
    const before = tf.memory().numTensors;
    const scope = new Scope(randomSource(1));
    const layers = [0, 1, 2].map(
      (i) => new Linear(scope.child(i), { inFeatures: 6, outFeatures: 6 }).train() as Linear,
    );
    const parameters = layers.flatMap((layer) => layer.parameters());
    const x = tf.randomNormal([4, 6], 0, 1, 'float32', 2);
    const loss = (checkpoint: boolean) => (): tf.Scalar => {
      const mask = tf.cast(tf.greater(x, -1), 'int32'); // made in the forward pass, gone in the backward one
      let hidden: tf.Tensor = x;
      for (const layer of layers) {
        const block = (input: tf.Tensor, keep: tf.Tensor): tf.Tensor =>
          tf.mul(dropout(layer.forward(input, 'gelu'), dropoutState.next(0.3)), tf.cast(keep, 'float32'));
        hidden = checkpoint
          ? gradientCheckpoint((a, b) => block(a!, b!), [hidden, mask], layer.parameters())
          : block(hidden, mask);
      }
      return tf.sum(tf.square(hidden));
    };
    const results = [false, true].map((checkpoint) => {
      dropoutState.set({ seed: 4, offset: 10 });
      const { value, grads } = tf.variableGrads(loss(checkpoint), parameters);
      const result = {
        loss: value.dataSync()[0]!,
        grads: parameters.map(({ name }) => grads[name]!.dataSync().slice()),
        offset: dropoutState.get().offset,
      };
      tf.dispose([value, grads]);
      return result;
    });
    expect(results[1]!.offset).toBe(13);
    expect(results[1]!.offset).toBe(results[0]!.offset);
    expect(results[1]!.loss).toBe(results[0]!.loss);
    for (const [i, gradient] of results[1]!.grads.entries()) expectClose(gradient, results[0]!.grads[i]!);
    x.dispose();
    for (const layer of layers) layer.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('keeps fewer tensors while the tape is held', () => {
    const weights = Array.from({ length: 4 }, () => tf.variable(tf.ones([3, 3])));
    const x = tf.ones([2, 3]);
    const held = [false, true].map((checkpoint) => {
      let count = 0;
      const { value, grads } = tf.variableGrads(() => {
        const chain = (input: tf.Tensor) =>
          tf.tidy(() => weights.reduce((h, w) => tf.tanh(tf.matMul(h, w)), input));
        const y = checkpoint ? gradientCheckpoint((h) => chain(h!), [x], weights) : chain(x);
        const loss = tf.sum(y) as tf.Scalar;
        count = tf.memory().numTensors;
        return loss;
      }, weights);
      tf.dispose([value, grads]);
      return count;
    });
    expect(held[1]).toBeLessThan(held[0]!);
    tf.dispose([x, ...weights]);
  });
});
