import * as tf from '@tensorflow/tfjs';
import { closeTo, expectClose } from '@weft/testing';
import { describe, expect, it } from 'vitest';
import { fixture, toTensor } from '../../test/cases.ts';
import { accumulate, adamW, clipScale, globalNorm } from './optimizer.js';

const torch = fixture('optimizer');

describe('adamW', () => {
  it('equals torch.optim.AdamW over three steps with clipping, and leaves nothing behind', () => {
    const before = tf.memory().numTensors;
    const parameters = [0, 1].map((i) => tf.variable(tf.tidy(() => toTensor(torch.tensor(`p${i}`)))));
    const zeros = () => parameters.map(({ shape }) => tf.variable(tf.zeros(shape)));
    const [means, variances] = [zeros(), zeros()];
    for (let step = 0; step < 3; step++) {
      const gradients = [0, 1].map((i) => toTensor(torch.tensor(`g${step}.${i}`)));
      const norm = tf.tidy(() => globalNorm(gradients).dataSync()[0]!);
      expectClose([norm], torch.tensor(`norm${step}`).data);
      // The fixture's gradients are before clipping, the norm and the step are PyTorch's own.
      adamW(
        { parameters, gradients, means, variances },
        {
          learningRate: [0.01, 0.02],
          weightDecay: [0.1, 0],
          beta1: 0.9,
          beta2: 0.98,
          epsilon: 1e-8,
          step: step + 1,
          gradientScale: clipScale(norm, 1),
        },
      );
      for (const [i, parameter] of parameters.entries()) {
        const expected = torch.tensor(`after${step}.${i}`).data;
        expectClose(parameter.dataSync(), expected, closeTo.ops, `parameter ${i} after step ${step}`);
      }
      tf.dispose(gradients);
    }
    const held = tf.memory().numTensors - before;
    tf.dispose([...parameters, ...means, ...variances]);
    // The initial values that tf.variable copied from are the test's own.
    expect(held).toBeGreaterThanOrEqual(6);
  });

  it('makes no tensor that outlives a step', () => {
    const make = () => tf.variable(tf.ones([3]));
    const [p, m, v] = [make(), make(), make()];
    const gradient = tf.ones([3]);
    const before = tf.memory().numTensors;
    adamW(
      { parameters: [p], gradients: [gradient], means: [m], variances: [v] },
      {
        learningRate: [0.1],
        weightDecay: [0],
        beta1: 0.9,
        beta2: 0.999,
        epsilon: 1e-8,
        step: 1,
        gradientScale: 1,
      },
    );
    accumulate([p], [gradient]);
    expect(tf.memory().numTensors).toBe(before);
    tf.dispose([p, m, v, gradient]);
  });
});

describe('clipping and accumulation', () => {
  it('scales down only what is above the limit', () => {
    expect(clipScale(0.5, 1)).toBe(1);
    expect(clipScale(4, 1)).toBeCloseTo(0.25, 6);
  });

  it('adds up in place', () => {
    tf.tidy(() => {
      const sums = [tf.variable(tf.ones([2])), tf.variable(tf.zeros([3]))];
      accumulate(sums, [tf.tensor1d([1, 2]), tf.tensor1d([3, 4, 5])]);
      accumulate(sums, [tf.tensor1d([1, 2]), tf.tensor1d([3, 4, 5])]);
      expect([...sums[0]!.dataSync()]).toEqual([3, 5]);
      expect([...sums[1]!.dataSync()]).toEqual([6, 8, 10]);
      tf.dispose(sums);
    });
  });
});
