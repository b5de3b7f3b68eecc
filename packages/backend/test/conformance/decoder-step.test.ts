import * as tf from '@tensorflow/tfjs';
import {
  decoderStep,
  hasDecoderStep,
  hasKernel,
  kernels,
  layerNorm,
  linear,
  quantizedLinear,
  quantizeWeight,
  type StepLinear,
  scaledDotProductAttention,
} from '@weft/attention';
import { InputError, ShapeError } from '@weft/errors';
import { expectClose } from '@weft/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { numbers } from './reference.js';

beforeEach(() => {
  tf.engine().startScope();
});
afterEach(() => {
  tf.engine().endScope();
});

const x = (shape: number[], seed: number, scale = 1) => tf.tensor(numbers(shape, seed, scale), shape);

const [width, inner, numHeads, scale, epsilon] = [36, 52, 3, 0.3, 1e-5];
const sizes = [
  [width, 3 * width],
  [width, width],
  [width, inner],
  [inner, width],
] as const;

interface Case {
  batch: number;
  length: number;
  padded: boolean;
  int8: boolean;
}

function given({ batch, length, padded, int8 }: Case) {
  const linears = sizes.map(([from, to], i): StepLinear => {
    const weight = x([from, to], 10 + i, 0.2) as tf.Tensor2D;
    const outIn = tf.transpose(weight) as tf.Tensor2D;
    return { weight: int8 ? quantizeWeight(outIn, 4) : weight, bias: x([to], 20 + i) };
  });
  const norm = (seed: number) => ({ weight: x([width], seed), bias: x([width], seed + 1) });
  const mask = Array.from({ length: batch * length }, (_, i) => (i % length === 0 && length > 1 ? 0 : 1));
  return {
    linears: linears as [StepLinear, StepLinear, StepLinear, StepLinear],
    norms: [norm(30), norm(32)] as const,
    hidden: x([batch, 1, width], 1),
    key: x([batch, length + 2, width], 2) as tf.Tensor3D,
    value: x([batch, length + 2, width], 3) as tf.Tensor3D,
    ...(padded ? { keyPaddingMask: tf.tensor2d(mask, [batch, length], 'int32') } : {}),
  };
}

/** The block by the ops one by one; what it gives, and the keys and values of its position. */
function oneByOne(
  { hidden, key, value, norms, linears, keyPaddingMask }: ReturnType<typeof given>,
  at: number,
) {
  const run = (from: tf.Tensor, i: number, activation: 'none' | 'geluNew' = 'none') => {
    const { weight, bias } = linears[i]!;
    return 'scales' in weight
      ? quantizedLinear(from, weight, bias, activation)
      : linear(from, weight, bias, { layout: 'in-out', activation });
  };
  const [first, second] = norms;
  const [query, newKey, newValue] = tf.split(
    run(layerNorm(hidden, first.weight, first.bias, epsilon), 0),
    3,
    -1,
  ) as tf.Tensor3D[];
  const held = (buffer: tf.Tensor3D, added: tf.Tensor3D) =>
    tf.concat([tf.slice(buffer, [0, 0, 0], [-1, at, -1]), added], 1) as tf.Tensor3D;
  const attended = scaledDotProductAttention({
    query: query!,
    key: held(key, newKey!),
    value: held(value, newValue!),
    numHeads,
    scale,
    causal: true,
    ...(keyPaddingMask ? { keyPaddingMask } : {}),
  });
  const middle = tf.add(hidden, run(attended, 1));
  const y = tf.add(middle, run(run(layerNorm(middle, second.weight, second.bias, epsilon), 2, 'geluNew'), 3));
  return { y, newKey: newKey!, newValue: newValue! };
}

test('decoderStep stands where its kernel does, for one position of few rows', () => {
  const here = hasKernel(kernels.DECODER_STEP);
  expect(here).toBe(tf.getBackend() === 'native');
  expect(hasDecoderStep(tf.zeros([8, 1, 4]))).toBe(here);
  expect(hasDecoderStep(tf.zeros([1, 2, 4]))).toBe(false);
  expect(hasDecoderStep(tf.zeros([9, 1, 4]))).toBe(false);
});

if (tf.getBackend() === 'native')
  describe('decoderStep', () => {
    const cases = [1, 3, 8].flatMap((batch) =>
      [1, 2, 71].flatMap((length) =>
        [false, true].flatMap((padded) => [false, true].map((int8) => ({ batch, length, padded, int8 }))),
      ),
    );

    test.each(cases)('equals the ops one by one: %o', (options) => {
      const { hidden, ...inputs } = given(options);
      const { length } = options;
      const want = oneByOne({ hidden, ...inputs }, length - 1);
      const y = decoderStep(hidden, { ...inputs, length, numHeads, scale, epsilon, activation: 'geluNew' });
      expect(y.shape).toEqual(hidden.shape);
      expectClose(y.dataSync(), want.y.dataSync(), { atol: 1e-6, rtol: 1e-6 }, 'y');
      for (const [buffer, added] of [
        [inputs.key, want.newKey],
        [inputs.value, want.newValue],
      ] as const) {
        const written = tf.slice(buffer, [0, length - 1, 0], [-1, 1, -1]);
        expectClose(written.dataSync(), added.dataSync(), { atol: 1e-6, rtol: 1e-6 }, 'cache');
      }
    });

    test('refuses what does not fit, before anything is written', () => {
      const { hidden, ...inputs } = given({ batch: 2, length: 3, padded: false, int8: false });
      const rest = { numHeads, scale, epsilon, activation: 'geluNew' as const };
      const step = (change: Partial<Parameters<typeof decoderStep>[1]>) =>
        decoderStep(hidden, { ...inputs, length: 3, ...rest, ...change });
      const before = inputs.key.dataSync();
      const [join, project, up, down] = inputs.linears;
      expect(() => step({ length: 6 })).toThrow(ShapeError);
      expect(() => step({ key: x([1, 5, width], 2) })).toThrow(ShapeError);
      expect(() => step({ linears: [project, project, up, down] })).toThrow(ShapeError);
      const quantized = { ...up, weight: quantizeWeight(tf.transpose(up.weight as tf.Tensor2D), 4) };
      expect(() => step({ linears: [join, project, quantized, down] })).toThrow(ShapeError);
      expect(() => step({ linears: [quantized, project, up, down] })).toThrow(ShapeError);
      expect(() => decoderStep(hidden, { ...inputs, length: 0, ...rest })).toThrow(InputError);
      expect(inputs.key.dataSync()).toEqual(before);
    });
  });
