import * as tf from '@tensorflow/tfjs';
import { CheckpointError } from '@weft/errors';
import { describe, expect, it } from 'vitest';
import { Dropout, Embedding, LayerNorm, Linear, RmsNorm } from '../layers/basic.js';
import { linearDefault, normal, ones, uniform, xavierUniform, zeros } from './initializers.js';
import { Module } from './module.js';
import { Scope } from './scope.js';
import { randomNumbers, randomSource, type WeightReader, weightsSource } from './sources.js';

class Part extends Module {
  readonly dense: Linear;
  readonly LayerNorm: LayerNorm;
  readonly drop = new Dropout(0.5);

  constructor(scope: Scope) {
    super();
    this.dense = new Linear(scope.child('dense'), { inFeatures: 3, outFeatures: 2 });
    this.LayerNorm = new LayerNorm(scope.child('LayerNorm'), { width: 2 });
  }
}

class Whole extends Module {
  readonly wte: Embedding;
  readonly h: Part[];
  readonly tied: Embedding;
  readonly scale: tf.Variable;

  constructor(scope: Scope) {
    super();
    this.wte = new Embedding(scope.child('wte'), { vocabSize: 4, width: 3 });
    this.h = [0, 1].map((i) => new Part(scope.child('h').child(i)));
    this.tied = this.wte;
    this.scale = scope.parameter('scale', [1], ones);
  }
}

const keys = [
  'scale',
  'wte.weight',
  ...[0, 1].flatMap((i) => [
    `h.${i}.dense.weight`,
    `h.${i}.dense.bias`,
    `h.${i}.LayerNorm.weight`,
    `h.${i}.LayerNorm.bias`,
  ]),
];

describe('Module', () => {
  it('names parameters by their paths, tied ones once, and counts them', () => {
    using whole = new Whole(new Scope(randomSource(1)));
    expect(whole.namedParameters().map(([key]) => key)).toEqual(keys);
    expect(whole.parameters()).toHaveLength(keys.length);
    expect(whole.numParameters()).toBe(1 + 12 + 2 * (6 + 2 + 2 + 2));
    expect(whole.namedModules().map(([path]) => path)).toContain('h.1.LayerNorm');
  });

  it('starts in evaluation mode, and passes the mode on to every child', () => {
    using whole = new Whole(new Scope(randomSource(1)));
    expect(whole.h[1]!.drop.training).toBe(false);
    expect(whole.train()).toBe(whole);
    expect(whole.h[1]!.drop.training).toBe(true);
    whole.eval();
    expect(whole.h[1]!.drop.training).toBe(false);
  });

  it('frees everything, once and again', () => {
    const before = tf.memory().numTensors;
    const whole = new Whole(new Scope(randomSource(1)));
    const other = new Whole(new Scope(randomSource(1)));
    expect(tf.memory().numTensors - before).toBe(2 * keys.length);
    for (const each of [whole, other]) each.dispose();
    whole.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('layers', () => {
  it('do what their ops do', () => {
    using norm = new RmsNorm(new Scope(randomSource(1)), { width: 2, epsilon: 0 });
    using dense = new Linear(new Scope(randomSource(1)), { inFeatures: 2, outFeatures: 3, layout: 'in-out' });
    expect(dense.weight.shape).toEqual([2, 3]);
    tf.tidy(() => {
      expect([...norm.forward(tf.tensor2d([[3, -3]])).dataSync()]).toEqual([1, -1]);
      expect(dense.forward(tf.ones([4, 2]), 'relu').shape).toEqual([4, 3]);
    });
    const drop = new Dropout(0.5).train();
    tf.tidy(() => {
      const x = tf.ones([100]);
      expect(drop.forward(x).dataSync()).toContain(0);
      expect(drop.eval().forward(x)).toBe(x);
    });
  });
});

describe('randomSource', () => {
  it('draws the same from the same seed, and other numbers from another', () => {
    const draw = (seed: number) => {
      using dense = new Linear(new Scope(randomSource(seed)), { inFeatures: 5, outFeatures: 4 });
      return [...dense.weight.dataSync()].join();
    };
    expect(draw(1)).toBe(draw(1));
    expect(draw(1)).not.toBe(draw(2));
    expect(draw(1)).not.toBe(draw(1 + 2 ** 32));
  });

  it('draws what the initializers say', () => {
    const random = randomNumbers(3);
    const size = 20_000;
    const check = (
      values: Float32Array,
      mean: number,
      deviation: number,
      limit = Number.POSITIVE_INFINITY,
    ) => {
      const average = values.reduce((sum, value) => sum + value, 0) / size;
      const spread = Math.sqrt(values.reduce((sum, value) => sum + (value - average) ** 2, 0) / size);
      expect(average).toBeCloseTo(mean, 2);
      expect(spread / deviation).toBeCloseTo(1, 1);
      expect(values.reduce((most, value) => Math.max(most, Math.abs(value)), 0)).toBeLessThanOrEqual(limit);
    };
    check(normal(0.02)([size], random), 0, 0.02);
    check(uniform(0.5)([size], random), 0, 0.5 / Math.sqrt(3), 0.5);
    check(linearDefault(4)([size], random), 0, 0.5 / Math.sqrt(3), 0.5);
    const limit = Math.sqrt(6 / 300);
    check(xavierUniform([100, 200], random), 0, limit / Math.sqrt(3), limit);
    expect([...zeros([2], random), ...ones([2], random)]).toEqual([0, 0, 1, 1]);
  });
});

describe('weightsSource', () => {
  const stored = (change: Record<string, number[] | undefined> = {}): WeightReader => {
    using whole = new Whole(new Scope(randomSource(2)));
    const shapes = new Map<string, readonly number[]>();
    for (const [key, { shape }] of whole.namedParameters()) shapes.set(key, shape);
    for (const [key, shape] of Object.entries(change)) {
      if (shape) shapes.set(key, shape);
      else shapes.delete(key);
    }
    return {
      names: () => [...shapes.keys()],
      shape: (name) => shapes.get(name),
      read: (name) =>
        new Float32Array(shapes.get(name)!.reduce((product, each) => product * each, 1)).fill(7),
    };
  };

  it('fills every parameter and tells what is left over', () => {
    const source = weightsSource(stored({ 'attn.bias': [1, 1] }));
    using whole = new Whole(new Scope(source));
    expect(source.finish()).toEqual({ initialized: [], mismatched: [], unexpected: ['attn.bias'] });
    expect(whole.h[1]!.dense.weight.dataSync()[0]).toBe(7);
  });

  it('takes the array of a file over without a copy, where data live in JavaScript', () => {
    const array = new Float32Array(6);
    const reader: WeightReader = { names: () => ['weight'], shape: () => [2, 3], read: () => array };
    using table = new Embedding(new Scope(weightsSource(reader)), { vocabSize: 2, width: 3 });
    // wasm copies into its own memory; native takes the array over too, and shows copies of it.
    if (tf.getBackend() === 'cpu') expect(table.weight.dataSync().buffer).toBe(array.buffer);
  });

  it('names every missing and misshapen key in one error', () => {
    const source = weightsSource(
      stored({ scale: undefined, 'wte.weight': [5, 3], 'h.1.dense.bias': undefined }),
      { file: 'model.safetensors' },
    );
    using _whole = new Whole(new Scope(source));
    let error: unknown;
    try {
      source.finish();
    } catch (caught) {
      error = caught;
    }
    expect(error).toBeInstanceOf(CheckpointError);
    const { keys: named, message, file } = error as CheckpointError;
    expect([...named].sort()).toEqual(['h.1.dense.bias', 'scale', 'wte.weight']);
    expect(message).toContain('wte.weight is [5, 3] in the file, [4, 3] in the model');
    expect(file).toBe('model.safetensors');
  });

  it('draws what may be missing or differ, from the seed', () => {
    const source = weightsSource(stored({ scale: undefined, 'wte.weight': [5, 3] }), {
      mayBeMissing: (key) => key === 'scale',
      ignoreMismatchedSizes: true,
      seed: 4,
    });
    using whole = new Whole(new Scope(source));
    const { initialized, mismatched } = source.finish();
    expect(initialized).toEqual(['scale']);
    expect(mismatched).toEqual(['wte.weight']);
    expect(whole.wte.weight.shape).toEqual([4, 3]);
    expect(whole.wte.weight.dataSync()).not.toContain(7);
  });

  it('reads under other names', () => {
    const source = weightsSource(stored({ scale: undefined, gamma: [1] }), {
      resolve: (key) => (key === 'scale' ? 'gamma' : key),
    });
    using whole = new Whole(new Scope(source));
    expect(source.finish().unexpected).toEqual([]);
    expect(whole.scale.dataSync()[0]).toBe(7);
  });
});
