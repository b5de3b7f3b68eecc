import * as tf from '@tensorflow/tfjs';
import {
  type Activation,
  type AttentionInputs,
  accumulate,
  activation,
  adamW,
  addRmsNorm,
  type CrossEntropyOptions,
  crossEntropy,
  dropout,
  embedding,
  globalNorm,
  type LinearParameters,
  layerNorm,
  linearCrossEntropy,
  linears,
  rmsNorm,
  scaledDotProductAttention,
} from '@weft/attention';
import { ShapeError } from '@weft/errors';
import { closeTo, expectClose } from '@weft/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { numbers } from './reference.js';

beforeEach(() => {
  tf.engine().startScope();
});
afterEach(() => {
  tf.engine().endScope();
});

const x = (shape: number[], seed: number, scale = 1) => tf.tensor(numbers(shape, seed, scale), shape);

/** The composite of a fused op in plain tfjs on the cpu backend is what all backends must equal. */
async function onCpu<T>(compute: () => T): Promise<T> {
  const under = tf.getBackend();
  await tf.setBackend('cpu');
  try {
    return compute();
  } finally {
    await tf.setBackend(under);
  }
}

/** Value and gradients of all inputs, for a gradient of the result that differs from place to place. */
async function sameAsComposite(
  inputs: () => tf.Tensor[],
  run: (...inputs: tf.Tensor[]) => tf.Tensor,
): Promise<void> {
  const compute = () => {
    const given = inputs();
    const value = run(...given);
    const weight = x(value.shape, 99);
    const gradients = tf.grads((...args: tf.Tensor[]) => tf.sum(tf.mul(run(...args), weight)))(given);
    return { value: value.dataSync(), gradients: gradients.map((gradient) => gradient.dataSync()) };
  };
  const got = compute();
  const want = await onCpu(compute);
  expectClose(got.value, want.value, { atol: 2e-6, rtol: 1e-5 }, 'value');
  got.gradients.forEach((gradient, i) => {
    expectClose(gradient, want.gradients[i]!, closeTo.gradients, `gradient of input ${i}`);
  });
}

const kinds: Activation[] = ['relu', 'gelu', 'geluNew', 'tanh', 'sigmoid', 'silu'];
test.each(kinds)('activation %s', async (kind) => {
  for (const size of [1, 15, 17, 33, 40000]) {
    await sameAsComposite(
      () => [x([size], 1, 5)],
      (a) => activation(a!, kind),
    );
  }
});

test.each([1, 2, 7, 16, 33, 67, 128])('layerNorm and rmsNorm of width %i', async (width) => {
  for (const shape of [
    [1, width],
    [2, 19, width],
  ]) {
    const given = () => [x(shape, 1, 2), x([width], 2), x([width], 3)];
    await sameAsComposite(given, (a, gamma, beta) => layerNorm(a!, gamma!, beta!, 1e-2));
    await sameAsComposite(
      () => given().slice(0, 2),
      (a, gamma) => rmsNorm(a!, gamma!, 1e-2),
    );
  }
});

test.each([3, 16, 33])('addRmsNorm of width %i', async (width) => {
  const given = () => [x([2, 19, width], 1, 2), x([2, 19, width], 4), x([width], 2)];
  for (const both of [true, false]) {
    await sameAsComposite(given, (a, b, gamma) => {
      const [sum, y] = addRmsNorm(a!, b!, gamma!, 1e-2);
      return both ? tf.concat([sum, y], -1) : y;
    });
  }
});

test.each([false, true])('linears of one x, with biases %s', async (biased) => {
  const sizes = [5, 40, 33];
  const given = () => [
    x([2, 19, 21], 1),
    ...sizes.map((size, i) => x([size, 21], 2 + i)),
    ...(biased ? sizes.map((size, i) => x([size], 6 + i)) : []),
  ];
  const parametersOf = (rest: tf.Tensor[]) =>
    sizes.map((_, i) => ({ weight: rest[i]!, ...(biased ? { bias: rest[3 + i]! } : {}) }));
  await sameAsComposite(given, (a, ...rest) => tf.concat(linears(a!, parametersOf(rest)), -1));
  // One that nothing looks at adds nothing to the gradients of the others.
  await sameAsComposite(
    () => given().slice(0, 2),
    (a, weight) => linears(a!, [{ weight: weight! }, { weight: x([7, 21], 9) }])[0]!,
  );
});

test('linears of one x are checked', () => {
  const run = (...parameters: LinearParameters[]) =>
    tf.grad((a: tf.Tensor) => linears(a, parameters)[0]!)(tf.ones([2, 3]));
  expect(() => run({ weight: tf.ones([3, 4]) })).toThrow(ShapeError);
  expect(() => run({ weight: tf.ones([4, 3]), bias: tf.ones([3]) })).toThrow(ShapeError);
  expect(() => addRmsNorm(tf.ones([2, 3]), tf.ones([3]), tf.ones([3]), 1e-6)).toThrow(ShapeError);
  expect(() => addRmsNorm(tf.ones([2, 3]), tf.ones([2, 3]), tf.ones([2]), 1e-6)).toThrow(ShapeError);
});

interface AttentionCase {
  batch?: number;
  queries: number;
  keys: number;
  heads?: number;
  keyHeads?: number;
  size?: number;
  capacity?: number;
  options?: Partial<AttentionInputs>;
  /** Keys that each batch element keeps. */
  kept?: number[];
  biasShape?: number[];
}

const attentionCases: Record<string, AttentionCase> = {
  'one by one': { queries: 1, keys: 1 },
  'tile sizes and one more': { queries: 33, keys: 113 },
  'tile sizes and one less': { queries: 31, keys: 111, options: { causal: true } },
  'causal, one query': { queries: 1, keys: 70, options: { causal: true } },
  'causal, some queries against a cache': { queries: 5, keys: 40, capacity: 64, options: { causal: true } },
  'more queries than keys, causal': { queries: 9, keys: 9, options: { causal: true, scale: 1 } },
  'grouped heads': { batch: 2, queries: 17, keys: 17, heads: 6, keyHeads: 2, size: 5 },
  padding: { batch: 3, queries: 19, keys: 19, kept: [19, 7, 1] },
  'padding, causal': { batch: 2, queries: 19, keys: 19, kept: [19, 7], options: { causal: true } },
  'a row that sees nothing': { batch: 2, queries: 19, keys: 23, kept: [0, 7] },
  'a row that sees nothing, one query': { batch: 2, queries: 1, keys: 23, kept: [0, 7] },
  'bias of its own for all': { batch: 2, queries: 18, keys: 35, biasShape: [2, 2, 18, 35] },
  'bias of the heads': { batch: 2, queries: 18, keys: 35, biasShape: [1, 2, 18, 35] },
  'bias of the batch': { batch: 2, queries: 18, keys: 35, biasShape: [2, 1, 18, 35] },
  'bias and padding': { batch: 2, queries: 3, keys: 35, biasShape: [1, 1, 3, 35], kept: [35, 20] },
  dropout: { queries: 33, keys: 65, options: { dropout: { rate: 0.3, seed: 5, offset: 2 } } },
  'dropout, aligned keys, causal': {
    queries: 33,
    keys: 64,
    options: { causal: true, dropout: { rate: 0.3, seed: 2 ** 40 + 1, offset: 2 } },
  },
};

test.each(Object.entries(attentionCases))('attention: %s', async (_name, one) => {
  const { batch = 1, queries, keys, heads = 2, keyHeads = heads, size = 8, kept, biasShape } = one;
  const capacity = one.capacity ?? keys;
  const inputs = () => [
    x([batch, queries, heads * size], 1, 2),
    x([batch, capacity, keyHeads * size], 2, 2),
    x([batch, capacity, keyHeads * size], 3),
    ...(biasShape ? [x(biasShape, 4)] : []),
  ];
  const mask = () =>
    kept &&
    tf.tensor2d(
      kept.flatMap((count) => Array.from({ length: keys }, (_, j) => Number(j < count))),
      [batch, keys],
      batch === 2 ? 'int32' : 'float32',
    );
  await sameAsComposite(inputs, (query, key, value, bias) => {
    const keyPaddingMask = mask();
    return scaledDotProductAttention({
      query: query!,
      key: key!,
      value: value!,
      numHeads: heads,
      numKeyHeads: keyHeads,
      keyLength: keys,
      ...(keyPaddingMask ? { keyPaddingMask } : {}),
      ...(bias ? { bias } : {}),
      ...one.options,
    });
  });
});

const lossOptions: CrossEntropyOptions[] = [
  {},
  { labelSmoothing: 0.1 },
  { reduction: 'sum' },
  { ignoreIndex: 1 },
];
describe.each(lossOptions)('cross entropy with %o', (options) => {
  const labels = (rows: number, classes: number) => {
    const { ignoreIndex = -100 } = options;
    return tf.tensor1d(
      Array.from({ length: rows }, (_, r) => (r === 2 ? ignoreIndex : (r * 7) % classes)),
      'int32',
    );
  };

  test('from logits', async () => {
    for (const [rows, classes] of [
      [1, 2],
      [5, 17],
      [33, 301],
    ] as const) {
      await sameAsComposite(
        () => [x([rows, classes], 1, 4)],
        (logits) => crossEntropy(logits!, labels(rows, classes), options),
      );
    }
  });

  test('with the linear layer', async () => {
    for (const [rows, classes] of [
      [1, 3],
      [35, 301],
    ] as const) {
      await sameAsComposite(
        () => [x([rows, 19], 1), x([classes, 19], 2)],
        (hidden, weight) => linearCrossEntropy(hidden!, weight!, labels(rows, classes), options),
      );
    }
  });
});

test('cross entropy of labels that all are ignored', () => {
  const labels = tf.tensor1d([-100, -100], 'int32');
  expect(crossEntropy(x([2, 5], 1), labels).dataSync()[0]).toBeNaN();
  expect(crossEntropy(x([2, 5], 1), labels, { reduction: 'sum' }).dataSync()[0]).toBe(0);
});

test('embedding', async () => {
  const ids = () => tf.tensor2d([0, 3, 3, 6, 2, 3], [2, 3], 'int32');
  for (const width of [1, 16, 33]) {
    await sameAsComposite(
      () => [x([7, width], 1)],
      (table) => embedding(table!, ids()),
    );
    await sameAsComposite(
      () => [x([7, width], 1)],
      (table) => embedding(table!, ids(), { paddingIndex: 3 }),
    );
  }
});

test('dropout', async () => {
  for (const size of [1, 3, 255, 257, 5000]) {
    await sameAsComposite(
      () => [x([size], 1)],
      (a) => dropout(a!, { rate: 0.4, seed: 2 ** 33 + 7, offset: 3 }),
    );
  }
});

test('adamW, globalNorm and accumulate', async () => {
  const shapes = [[3, 5], [1], [70000], [17]];
  const compute = () => {
    const make = (seed: number) =>
      shapes.map((shape) => tf.variable(tf.abs(x(shape, seed + shape[0]!)), false));
    const state = {
      parameters: make(1),
      means: make(2),
      variances: make(3),
      gradients: shapes.map((shape) => x(shape, 4)),
    };
    const sums = make(5);
    adamW(state, {
      learningRate: [0.1, 0.01, 0.1, 0],
      weightDecay: [0, 0.1, 0.1, 0],
      beta1: 0.9,
      beta2: 0.99,
      epsilon: 1e-8,
      step: 2,
      gradientScale: 0.5,
    });
    accumulate(sums, state.gradients);
    const changed = [...state.parameters, ...state.means, ...state.variances, ...sums];
    const values = [...changed, globalNorm(state.gradients)].map((tensor) => tensor.dataSync().slice());
    tf.dispose(changed);
    return values;
  };
  const got = compute();
  const want = await onCpu(compute);
  got.forEach((values, i) => {
    expectClose(values, want[i]!, { atol: 1e-6, rtol: 1e-5 }, `tensor ${i}`);
  });
});

test('kernels that work in place never write to memory of the user', () => {
  const array = new Float32Array(6);
  const sum = tf.variable(tf.tensor2d(array, [2, 3]), false);
  accumulate([sum], [tf.ones([2, 3])]);
  expect(Array.from(sum.dataSync())).toEqual([1, 1, 1, 1, 1, 1]);
  if (tf.getBackend() === 'native') expect(Array.from(array)).toEqual([0, 0, 0, 0, 0, 0]);
  sum.dispose();
});

test('slices, splits and reshapes keep their values when the buffer of their source is used again', () => {
  const source = tf.mul(x([64, 64], 1), 2);
  const want = source.dataSync();
  const [top, flat] = [tf.slice(source, [0, 0], [32, 64]), source.reshape([-1])];
  const [left] = tf.split(source, 2, 1);
  const alike = tf.transpose(source.reshape([64, 1, 64]), [1, 0, 2]);
  source.dispose();
  for (let i = 0; i < 4; i++) tf.mul(tf.ones([64, 64]), i);
  expect(top.dataSync()).toEqual(want.slice(0, 2048));
  expect(left!.dataSync()[32]).toBe(want[64]);
  expect(flat.dataSync()).toEqual(want);
  expect(alike.dataSync()).toEqual(want);
});

test('no tensor is left over by forward, backward or an error', () => {
  const run = () =>
    tf.tidy(() => {
      const table = x([7, 16], 1);
      const f = (weight: tf.Tensor) => {
        const rows = embedding(weight, tf.tensor2d([1, 2, 3, 4], [1, 4], 'int32'));
        const y = scaledDotProductAttention({
          query: rows,
          key: rows,
          value: rows,
          numHeads: 2,
          causal: true,
        });
        return linearCrossEntropy(y.reshape([4, 16]), weight, tf.tensor1d([0, 1, 2, 3], 'int32'));
      };
      tf.grad((weight) => f(weight))(table);
      expect(() => embedding(table, tf.tensor1d([7], 'int32'))).toThrow();
    });
  run();
  const before = tf.memory();
  run();
  expect(tf.memory().numTensors).toBe(before.numTensors);
  expect(tf.memory().numDataBuffers).toBe(before.numDataBuffers);
});
