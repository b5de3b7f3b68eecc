import * as tf from '@tensorflow/tfjs';
import {
  decoderStep,
  hasDecoderStep,
  hasKernel,
  kernels,
  layerNorm,
  linear,
  type QuantizedWeight,
  quantizedLinear,
  quantizeWeight,
  type StepBlock,
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

const [width, inner, numHeads, epsilon] = [36, 52, 3, 1e-5];
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

/** A block whose second linear stays in float32 whatever the others are. */
function block({ batch, length, int8 }: Case, seed: number): StepBlock {
  const linears = sizes.map(([from, to], i): StepLinear => {
    const weight = x([from, to], seed + i, 0.2) as tf.Tensor2D;
    const quantized = (): QuantizedWeight => quantizeWeight(tf.transpose(weight) as tf.Tensor2D, 4);
    return { weight: int8 && i !== 1 ? quantized() : weight, bias: x([to], seed + 10 + i) };
  });
  const norm = (at: number) => ({ weight: x([width], at), bias: x([width], at + 1) });
  return {
    linears: linears as [StepLinear, StepLinear, StepLinear, StepLinear],
    norms: [norm(seed + 20), norm(seed + 22)],
    key: x([batch, length + 2, width], seed + 24),
    value: x([batch, length + 2, width], seed + 25),
    scale: seed / 1000,
  };
}

function given(options: Case) {
  const { batch, length, padded } = options;
  const mask = Array.from({ length: batch * length }, (_, i) => (i % length === 0 && length > 1 ? 0 : 1));
  return {
    hidden: x([batch, 1, width], 1),
    blocks: [block(options, 100), block(options, 200)],
    ...(padded ? { keyPaddingMask: tf.tensor2d(mask, [batch, length], 'int32') } : {}),
  };
}

/** A block by the ops one by one: what it gives, and the keys and values of its position. */
function oneByOne(
  hidden: tf.Tensor,
  { key, value, norms, linears, scale }: StepBlock,
  at: number,
  keyPaddingMask?: tf.Tensor,
) {
  const run = (from: tf.Tensor, i: number, activation: 'none' | 'geluNew' = 'none') => {
    const { weight, bias } = linears[i]!;
    return 'scales' in weight
      ? quantizedLinear(from, weight, bias, activation)
      : linear(from, weight, bias, { layout: 'in-out', activation });
  };
  const [first, second] = norms;
  const joined = run(layerNorm(hidden, first.weight, first.bias, epsilon), 0);
  const [query, newKey, newValue] = tf.split(joined, 3, -1);
  const held = (buffer: tf.Tensor, added: tf.Tensor): tf.Tensor =>
    tf.concat([tf.slice(buffer, [0, 0, 0], [-1, at, -1]), added], 1);
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
      let want = hidden;
      const added = inputs.blocks.map((each) => {
        const { y, newKey, newValue } = oneByOne(want, each, length - 1, inputs.keyPaddingMask);
        want = y;
        return [newKey, newValue];
      });
      const y = decoderStep(hidden, { ...inputs, length, numHeads, epsilon, activation: 'geluNew' });
      expect(y.shape).toEqual(hidden.shape);
      expectClose(y.dataSync(), want.dataSync(), { atol: 1e-6, rtol: 1e-6 }, 'y');
      inputs.blocks.forEach(({ key, value }, i) => {
        for (const [j, buffer] of [key, value].entries()) {
          const written = tf.slice(buffer, [0, length - 1, 0], [-1, 1, -1]);
          expectClose(written.dataSync(), added[i]![j]!.dataSync(), { atol: 1e-6, rtol: 1e-6 }, 'cache');
        }
      });
    });

    test('refuses what does not fit, before anything is written', () => {
      const { hidden, blocks } = given({ batch: 2, length: 3, padded: false, int8: false });
      const [first, second] = blocks as [StepBlock, StepBlock];
      const step = (change: Partial<StepBlock>, length = 3, heads = numHeads) =>
        decoderStep(hidden, {
          blocks: [first, { ...second, ...change }],
          length,
          numHeads: heads,
          epsilon,
          activation: 'geluNew',
        });
      const before = first.key.dataSync();
      const [join, project, up, down] = second.linears;
      const quantized = { ...up, weight: quantizeWeight(tf.transpose(up.weight as tf.Tensor2D), 4) };
      expect(() => step({}, 6)).toThrow(ShapeError);
      expect(() => step({ key: x([1, 5, width], 2) })).toThrow(ShapeError);
      expect(() => step({ value: x([2, 6, width], 2) })).toThrow(ShapeError);
      expect(() => step({ norms: [second.norms[0], { weight: up.bias, bias: up.bias }] })).toThrow(
        ShapeError,
      );
      expect(() => step({ linears: [project, project, up, down] })).toThrow(ShapeError);
      expect(() => step({ linears: [quantized, project, up, down] })).toThrow(ShapeError);
      expect(() => step({ linears: [join, project, down, up] })).toThrow(ShapeError);
      expect(() => step({}, 0)).toThrow(InputError);
      for (const heads of [0, 5]) expect(() => step({}, 3, heads)).toThrow(InputError);
      const none = { blocks: [], length: 3, numHeads, epsilon, activation: 'geluNew' as const };
      expect(() => decoderStep(hidden, none)).toThrow(InputError);
      expect(first.key.dataSync()).toEqual(before);
    });
  });
