import * as tf from '@tensorflow/tfjs';
import { closeTo, expectClose } from '@weft/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { numbers, sizeOf, specialValues } from './reference.js';

beforeEach(() => {
  tf.engine().startScope();
});
afterEach(() => {
  tf.engine().endScope();
});

const backend = () => tf.getBackend();
/** Where NaN and infinity are carried through as IEEE says. */
const exact = new Set(['native', 'tensorflow']);

const erf = (x: number): number => {
  // The series for the middle, the continued fraction's tail for the rest; in double.
  const z = Math.abs(x);
  if (Number.isNaN(z)) return z;
  if (z > 6) return Math.sign(x);
  let term = z;
  let total = z;
  for (let n = 1; n < 200 && Math.abs(term) > 1e-17 * Math.abs(total); n++) {
    term *= (-z * z) / n;
    total += term / (2 * n + 1);
  }
  return (Math.sign(x) * 2 * total) / Math.sqrt(Math.PI);
};

const unary: [string, (x: tf.Tensor) => tf.Tensor, (x: number) => number][] = [
  ['neg', tf.neg, (x) => -x],
  ['abs', tf.abs, Math.abs],
  ['exp', tf.exp, Math.exp],
  ['log', tf.log, Math.log],
  ['sqrt', tf.sqrt, Math.sqrt],
  ['rsqrt', tf.rsqrt, (x) => 1 / Math.sqrt(x)],
  ['square', tf.square, (x) => x * x],
  ['tanh', tf.tanh, Math.tanh],
  ['sigmoid', tf.sigmoid, (x) => 1 / (1 + Math.exp(-x))],
  ['relu', tf.relu, (x) => (Number.isNaN(x) ? x : Math.max(0, x))],
  ['elu', tf.elu, (x) => (x >= 0 ? x : Math.expm1(x))],
  ['erf', tf.erf, erf],
  ['floor', tf.floor, Math.floor],
  ['ceil', tf.ceil, Math.ceil],
  ['sin', tf.sin, Math.sin],
  ['cos', tf.cos, Math.cos],
  ['reciprocal', tf.reciprocal, (x) => 1 / x],
];

// The approximations of tfjs's own backends are looser than the project's; erf there is good to 2e-7 absolute.
const unaryTolerance = { atol: 2e-6, rtol: 2e-5 };

describe.each(unary)('%s', (name, op, reference) => {
  test('values, ragged sizes', () => {
    for (const size of [1, 3, 7, 16, 17, 33, 1000, 70001]) {
      const x = numbers([size], size, 4);
      expectClose(
        op(tf.tensor1d(x)).dataSync(),
        Array.from(x, reference),
        unaryTolerance,
        `${name} of ${size}`,
      );
    }
  });

  test('NaN and infinity', (context) => {
    const trigonometry = name === 'sin' || name === 'cos';
    if (!exact.has(backend())) return context.skip('asked of weft, not of tfjs');
    const x = Float32Array.from(
      trigonometry ? specialValues.filter((v) => !(Math.abs(v) > 1e6)) : specialValues,
    );
    const want = Float32Array.from(x, reference);
    expectClose(op(tf.tensor1d(x)).dataSync(), want, { atol: 1e-6, rtol: 1e-4 }, name);
  });

  test('an empty tensor', () => {
    expect(op(tf.zeros([0, 3])).shape).toEqual([0, 3]);
  });
});

const binary: [string, (a: tf.Tensor, b: tf.Tensor) => tf.Tensor, (a: number, b: number) => number][] = [
  ['add', tf.add, (a, b) => a + b],
  ['sub', tf.sub, (a, b) => a - b],
  ['mul', tf.mul, (a, b) => a * b],
  ['div', tf.div, (a, b) => a / b],
  ['maximum', tf.maximum, Math.max],
  ['minimum', tf.minimum, Math.min],
  ['squaredDifference', tf.squaredDifference, (a, b) => (a - b) ** 2],
  ['greater', tf.greater, (a, b) => Number(a > b)],
  ['lessEqual', tf.lessEqual, (a, b) => Number(a <= b)],
  ['equal', tf.equal, (a, b) => Number(a === b)],
  ['notEqual', tf.notEqual, (a, b) => Number(a !== b)],
];

const shapePairs: [number[], number[], number[]][] = [
  [[7], [7], [7]],
  [
    [5, 67],
    [5, 67],
    [5, 67],
  ],
  [[5, 67], [67], [5, 67]],
  [[67], [5, 67], [5, 67]],
  [[5, 67], [], [5, 67]],
  [[], [5, 67], [5, 67]],
  [
    [5, 1],
    [5, 67],
    [5, 67],
  ],
  [
    [5, 67],
    [5, 1],
    [5, 67],
  ],
  [
    [2, 3, 1, 5],
    [1, 4, 5],
    [2, 3, 4, 5],
  ],
  [
    [2, 1, 4],
    [1, 3, 1],
    [2, 3, 4],
  ],
  [
    [300, 301],
    [300, 301],
    [300, 301],
  ],
  [[0, 3], [3], [0, 3]],
];

/** The element of a broadcast input that belongs to element `at` of the result. */
function broadcastAt(shape: number[], result: number[], at: number): number {
  let position = 0;
  let stride = 1;
  let rest = at;
  for (let axis = result.length - 1; axis >= 0; axis--) {
    const place = rest % result[axis]!;
    rest = Math.floor(rest / result[axis]!);
    const own = shape[axis - (result.length - shape.length)];
    if (own === undefined) continue;
    if (own !== 1) position += place * stride;
    stride *= own;
  }
  return position;
}

describe.each(binary)('%s', (name, op, reference) => {
  test.each(shapePairs)('%j with %j', (shapeA, shapeB, shape) => {
    const a = numbers(shapeA, 1).map((v) => Math.round(v * 8) / 4);
    const b = numbers(shapeB, 2).map((v) => Math.round(v * 8) / 4);
    const y = op(tf.tensor(a, shapeA), tf.tensor(b, shapeB));
    expect(y.shape).toEqual(shape);
    const want = Float32Array.from({ length: sizeOf(shape) }, (_, i) =>
      reference(a[broadcastAt(shapeA, shape, i)]!, b[broadcastAt(shapeB, shape, i)]!),
    );
    expectClose(y.dataSync(), want, closeTo.ops, name);
  });

  test('NaN and infinity', (context) => {
    if (!exact.has(backend())) return context.skip('asked of weft, not of tfjs');
    const a: number[] = [];
    const b: number[] = [];
    for (const left of specialValues) {
      for (const right of specialValues) {
        a.push(left);
        b.push(right);
      }
    }
    const [x, y] = [Float32Array.from(a), Float32Array.from(b)];
    const want = Float32Array.from(x, (value, i) => reference(value, y[i]!));
    expectClose(op(tf.tensor1d(x), tf.tensor1d(y)).dataSync(), want, closeTo.ops, name);
  });
});

const reductions: [
  string,
  (x: tf.Tensor, axis?: number[], keep?: boolean) => tf.Tensor,
  (row: number[]) => number,
][] = [
  ['sum', tf.sum, (row) => row.reduce((total, value) => total + value, 0)],
  ['mean', tf.mean, (row) => row.reduce((total, value) => total + value, 0) / row.length],
  ['max', tf.max, (row) => row.reduce((best, value) => Math.max(best, value), Number.NEGATIVE_INFINITY)],
  ['min', tf.min, (row) => row.reduce((best, value) => Math.min(best, value), Number.POSITIVE_INFINITY)],
];

describe.each(reductions)('%s', (name, op, reference) => {
  test.each([
    [[67], [0]],
    [[5, 67], [1]],
    [[67, 33], [0]],
    [
      [5, 67],
      [0, 1],
    ],
    [[3, 4, 33], [1]],
    [
      [3, 4, 33],
      [0, 2],
    ],
    [
      [3, 4, 33],
      [0, 1],
    ],
    [
      [2, 3, 4, 17],
      [1, 3],
    ],
    [[1, 70001], [1]],
    [[70001, 2], [0]],
  ])('%j over %j', (shape, axes) => {
    const x = numbers(shape, 5);
    const kept = shape.map((length, axis) => (axes.includes(axis) ? 1 : length));
    const rows: number[][] = Array.from({ length: sizeOf(kept) }, () => []);
    for (let i = 0; i < x.length; i++) rows[broadcastAt(kept, shape, i)]!.push(x[i]!);
    const y = op(tf.tensor(x, shape), axes, true);
    expect(y.shape).toEqual(kept);
    expectClose(y.dataSync(), rows.map(reference), { atol: 5e-6 * Math.sqrt(x.length), rtol: 1e-5 }, name);
  });
});

describe('gradients equal those of the cpu backend', () => {
  const x = () => tf.tensor2d(numbers([7, 33], 1, 2), [7, 33]);
  const mask = tf.tensor2d(
    numbers([7, 33], 4).map((v) => Number(v > 0)),
    [7, 33],
    'bool',
  );
  const row = () => tf.tensor1d(numbers([33], 2));
  const cases: Record<string, { inputs: () => tf.Tensor[]; run: (...inputs: tf.Tensor[]) => tf.Tensor }> = {
    add: { inputs: () => [x(), row()], run: (a, b) => tf.add(a!, b!) },
    mul: { inputs: () => [x(), row()], run: (a, b) => tf.mul(a!, b!) },
    div: { inputs: () => [x(), row().add(3)], run: (a, b) => tf.div(a!, b!) },
    tanh: { inputs: () => [x()], run: (a) => tf.tanh(a!) },
    sigmoid: { inputs: () => [x()], run: (a) => tf.sigmoid(a!) },
    softmax: { inputs: () => [x()], run: (a) => tf.softmax(a!) },
    logSoftmax: { inputs: () => [x()], run: (a) => tf.logSoftmax(a!) },
    mean: { inputs: () => [x()], run: (a) => tf.mean(a!, 1) },
    max: { inputs: () => [x()], run: (a) => tf.max(a!, 1) },
    transpose: { inputs: () => [x()], run: (a) => tf.transpose(a!) },
    slice: { inputs: () => [x()], run: (a) => tf.slice(a!, [1, 2], [3, 20]) },
    concat: { inputs: () => [x(), x()], run: (a, b) => tf.concat([a!, b!], 1) },
    gather: { inputs: () => [x()], run: (a) => tf.gather(a!, tf.tensor1d([3, 3, 0, 6], 'int32')) },
    where: { inputs: () => [x(), x()], run: (a, b) => tf.where(mask, a!, tf.mul(b!, 2)) },
  };

  test.each(Object.entries(cases))('%s', async (_name, { inputs, run }) => {
    const under = tf.getBackend();
    const compute = () => {
      const tensors = inputs();
      const weight = numbers(run(...tensors).shape, 9);
      const { length } = tensors;
      const gradients = tf.grads((...given: tf.Tensor[]) => {
        const y = run(...given);
        return y.mul(tf.tensor(weight, y.shape)).sum();
      })(tensors);
      expect(gradients).toHaveLength(length);
      return gradients.map((gradient) => gradient.dataSync());
    };
    const got = compute();
    await tf.setBackend('cpu');
    let want: ReturnType<typeof compute>;
    try {
      want = compute();
    } finally {
      await tf.setBackend(under);
    }
    got.forEach((gradient, i) => {
      expectClose(gradient, want[i]!, closeTo.gradients);
    });
  });
});
