import * as tf from '@tensorflow/tfjs';
import { ConfigError, ShapeError } from '@weft/errors';
import { closeTo, expectClose } from '@weft/testing';
import { describe, expect, it } from 'vitest';
import { fixture, toTensor } from '../../test/cases.ts';
import { build, torchWeights, type Weights } from '../../test/torch-weights.ts';
import type { Module } from '../module/module.js';
import { Scope } from '../module/scope.js';
import { randomSource } from '../module/sources.js';
import { EncoderBlock } from './blocks.js';
import { FeedForward } from './feed-forward.js';
import { KeyValueCache } from './key-value-cache.js';
import { causalMask, lengthMask, maskBias } from './masks.js';
import { MultiHeadAttention } from './multi-head-attention.js';
import { RelativePositionBias, relativePositionBucket, sinusoidalPositions } from './positions.js';
import { SelfAttention } from './self-attention.js';

const torch = fixture('layers');
const values = (name: string) => torch.tensor(name).data;
const given = (name: string) => toTensor(torch.tensor(name));

/** Checks value, gradients of inputs and of every parameter of sum(y * w), and that nothing is left behind. */
function checkModule(
  name: string,
  module: Module,
  inputs: string[],
  run: (...inputs: tf.Tensor[]) => tf.Tensor,
): void {
  const before = tf.memory().numTensors;
  tf.tidy(() => {
    const xs = inputs.map((key) => given(`${name}/${key}`));
    expectClose(run(...xs).dataSync(), values(`${name}/y`), closeTo.models, `${name} y`);
    const gradients = tf.grads(run)(xs, given(`${name}/w`));
    for (const [i, key] of inputs.entries())
      expectClose(gradients[i]!.dataSync(), values(`${name}/d.${key}`), closeTo.gradients, `d ${key}`);
    const loss = () => tf.sum(tf.mul(run(...xs), given(`${name}/w`))) as tf.Scalar;
    const { grads } = tf.variableGrads(loss, module.parameters());
    const expected: Weights = torchWeights(torch, `${name}/g.`);
    for (const [key, { name: variable }] of module.namedParameters())
      expectClose(grads[variable]!.dataSync(), expected[key]!.data, closeTo.gradients, `gradient of ${key}`);
  });
  expect(tf.memory().numTensors, 'tensors left behind').toBe(before);
}

describe('SelfAttention', () => {
  it('equals the textbook in PyTorch, under a causal mask and padding', () => {
    using attention = build(torchWeights(torch, 'textbook/p.'), (source) => {
      const module = new SelfAttention({ embedSize: 12, heads: 3 });
      for (const [key, parameter] of module.namedParameters())
        tf.tidy(() => parameter.assign(source.take(key, parameter.shape, () => new Float32Array(0))));
      return module;
    });
    const mask = given('textbook/mask');
    checkModule('textbook', attention, ['x'], (x) => attention.forward(x!, x!, x!, mask));
    mask.dispose();
  });

  it('says when heads do not divide embedSize, and which input has another width', () => {
    expect(() => new SelfAttention({ embedSize: 10, heads: 3 })).toThrow(ConfigError);
    expect(() => new SelfAttention({ embedSize: 10, heads: 3 })).toThrow(/embedSize 10, heads 3/);
    using attention = new SelfAttention({ embedSize: 4, heads: 2 });
    tf.tidy(() => {
      const x = tf.zeros([1, 2, 4]);
      expect(() => attention.forward(x, tf.zeros([1, 2, 3]), x)).toThrow(ShapeError);
    });
  });
});

describe('MultiHeadAttention', () => {
  it('equals torch.nn.MultiheadAttention on itself, padded', () => {
    using attention = build(
      torchWeights(torch, 'self/p.'),
      (source) => new MultiHeadAttention(new Scope(source), { width: 12, numHeads: 3 }),
    );
    const keyPaddingMask = given('self/mask');
    checkModule('self', attention, ['x'], (x) => attention.forward(x!, { keyPaddingMask }));
    keyPaddingMask.dispose();
  });

  it('equals torch.nn.MultiheadAttention on a memory of another width', () => {
    using attention = build(
      torchWeights(torch, 'cross/p.'),
      (source) => new MultiHeadAttention(new Scope(source), { width: 12, numHeads: 3, memoryWidth: 10 }),
    );
    const keyPaddingMask = given('cross/mask');
    checkModule('cross', attention, ['x', 'memory'], (x, memory) =>
      attention.forward(x!, { memory: memory!, keyPaddingMask }),
    );
    checkModule('cross', attention, ['x', 'memory'], (x, memory) =>
      attention.forward(x!, { projected: attention.keysAndValues(memory!), keyPaddingMask }),
    );
    keyPaddingMask.dispose();
  });

  it('gives probabilities, also grouped and with a cache, and the same output as without them', () => {
    using attention = new MultiHeadAttention(new Scope(randomSource(2)), {
      width: 8,
      numHeads: 4,
      numKeyHeads: 2,
    });
    tf.tidy(() => {
      const x = tf.randomNormal([2, 5, 8], 0, 1, 'float32', 1);
      const attentions: tf.Tensor[] = [];
      const whole = attention.forward(x, { causal: true, attentions });
      expect(attentions[0]!.shape).toEqual([2, 4, 5, 5]);
      expectClose(attention.forward(x, { causal: true }).dataSync(), whole.dataSync());
      using cache = new KeyValueCache({ numLayers: 1, maxLength: 8 });
      const steps = [0, 3, 4].map((start, i) => {
        const length = [3, 1, 1][i]!;
        const part = attention.forward(tf.slice(x, [0, start, 0], [2, length, 8]), { causal: true, cache });
        cache.advance(length);
        return part;
      });
      expectClose(tf.concat(steps, 1).dataSync(), whole.dataSync(), closeTo.models);
    });
  });

  it('refuses heads that do not divide', () => {
    const scope = new Scope(randomSource(1));
    expect(() => new MultiHeadAttention(scope, { width: 10, numHeads: 4 })).toThrow(ConfigError);
    expect(() => new MultiHeadAttention(scope, { width: 8, numHeads: 4, numKeyHeads: 3 })).toThrow(
      ConfigError,
    );
  });
});

describe('FeedForward', () => {
  it('multiplies by the gate where it has one', () => {
    using part = new FeedForward(new Scope(randomSource(3)), {
      width: 3,
      innerWidth: 5,
      gated: true,
      bias: false,
      activation: 'geluNew',
    });
    expect(part.namedParameters().map(([key]) => key)).toEqual([
      'linear1.weight',
      'linear_gate.weight',
      'linear2.weight',
    ]);
    tf.tidy(() => {
      const x = tf.randomNormal([2, 3], 0, 1, 'float32', 4);
      const inner = tf.mul(part.linear1.forward(x, 'geluNew'), part.linear_gate!.forward(x));
      expectClose(part.forward(x).dataSync(), part.linear2.forward(inner).dataSync());
    });
  });
});

describe('blocks', () => {
  it('drop only in training mode, and repeat a mask from the same state', async () => {
    const { dropoutState } = await import('../ops/dropout.js');
    using block = new EncoderBlock(new Scope(randomSource(3)), { width: 4, numHeads: 2, dropout: 0.5 });
    tf.tidy(() => {
      const x = tf.ones([1, 3, 4]);
      const run = () => block.forward(x).dataSync().join();
      expect(run()).toBe(run());
      block.train();
      const state = dropoutState.get();
      const first = run();
      expect(run()).not.toBe(first);
      dropoutState.set(state);
      expect(run()).toBe(first);
    });
  });
});

describe('positions', () => {
  it('buckets distances as T5 does, whatever the range', () => {
    const [from, to] = torch.meta.distances as [number, number];
    const check = (name: string, options: Parameters<typeof relativePositionBucket>[1]) => {
      const actual = Array.from({ length: to - from + 1 }, (_, i) =>
        relativePositionBucket(from + i, options),
      );
      expect(actual).toEqual([...values(`buckets/${name}`)]);
    };
    check('True', {});
    check('False', { bidirectional: false });
    check('few', { numBuckets: 8, maxDistance: 20 });
  });

  it('gives the bias of the last queries the same rows as that of all, with a gradient', () => {
    using bias = new RelativePositionBias(new Scope(randomSource(5)), { numHeads: 3, numBuckets: 8 });
    tf.tidy(() => {
      const all = bias.forward(6); // [1, H, 6, 6]
      expect(all.shape).toEqual([1, 3, 6, 6]);
      const last = tf.slice(all, [0, 0, 4, 0], [1, 3, 2, 6]);
      expectClose(bias.forward(2, 6).dataSync(), last.dataSync());
      const { grads } = tf.variableGrads(() => tf.sum(bias.forward(6)) as tf.Scalar, [bias.weight]);
      expect(tf.sum(grads[bias.weight.name]!).dataSync()[0]).toBeCloseTo(3 * 36);
    });
  });

  it('are those of the paper', () => {
    const table = tf.tidy(() => sinusoidalPositions(9, 16).dataSync());
    expectClose(table, fixture('transformer').tensor('positions').data);
    const tail = tf.tidy(() => sinusoidalPositions(4, 16, 5).dataSync());
    expectClose(tail, table.slice(5 * 16));
  });
});

describe('masks', () => {
  it('say what counts and what may be seen', () => {
    tf.tidy(() => {
      expect(lengthMask([1, 3]).arraySync()).toEqual([
        [1, 0, 0],
        [1, 1, 1],
      ]);
      expect(causalMask(2, 3).arraySync()).toEqual([
        [
          [
            [1, 1, 0],
            [1, 1, 1],
          ],
        ],
      ]);
      const lowest = Math.fround(-3.4028234663852886e38);
      expect([...maskBias(tf.tensor1d([1, 0, 2], 'int32')).dataSync()].map((v) => v + 0)).toEqual([
        0,
        lowest,
        0,
      ]);
    });
  });
});
