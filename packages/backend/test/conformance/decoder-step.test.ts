import * as tf from '@tensorflow/tfjs';
import {
  type Activation,
  beamAttention,
  type DecoderStepInputs,
  decoderStep,
  hasDecoderStep,
  hasKernel,
  kernels,
  layerNorm,
  linear,
  quantizedLinear,
  quantizeWeight,
  rmsNorm,
  type StepBlock,
  type StepLinear,
  type StepNorm,
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

const [width, wide, inner, numHeads, epsilon, remembered] = [36, 24, 52, 3, 1e-5, 7];
const activation = 'geluNew';

interface Case {
  batch: number;
  length: number;
  padded: boolean;
  int8: boolean;
  /** As GPT-2's blocks, or as T5's: over a memory, without biases, gated. */
  like: 'gpt2' | 't5';
  /** Rows of the caches that share their pasts; of a memory half as many. */
  shared: boolean;
}

const held = 9;

function block({ batch, length, int8, like, shared }: Case, seed: number): StepBlock {
  const isT5 = like === 't5';
  const attention = isT5 ? wide : width;
  const part = (from: number, to: number, at: number, keepsFloats = false): StepLinear => {
    const layout = isT5 ? 'out-in' : 'in-out';
    const weight = x(isT5 ? [to, from] : [from, to], seed + at, 0.2) as tf.Tensor2D;
    const outIn = isT5 ? weight : (tf.transpose(weight) as tf.Tensor2D);
    const bias = isT5 ? {} : { bias: x([to], seed + 10 + at) };
    return { weight: int8 && !keepsFloats ? quantizeWeight(outIn, 4) : weight, layout, ...bias };
  };
  const norm = (at: number): StepNorm => ({
    weight: x([width], seed + at),
    ...(isT5 ? {} : { bias: x([width], seed + at + 1) }),
  });
  const rows = shared ? held : batch;
  const sources = shared ? batch / 2 : batch;
  return {
    self: {
      norm: norm(20),
      inputs: isT5
        ? [part(width, attention, 1), part(width, attention, 2), part(width, attention, 3)]
        : [part(width, 3 * attention, 1)],
      project: part(attention, width, 4, true),
      key: x([rows, length + 2, attention], seed + 24),
      value: x([rows, length + 2, attention], seed + 25),
    },
    ...(isT5
      ? {
          cross: {
            norm: norm(26),
            query: part(width, attention, 5),
            project: part(attention, width, 6),
            key: x([sources, remembered, attention], seed + 28),
            value: x([sources, remembered, attention], seed + 29),
          },
        }
      : {}),
    feedForward: {
      norm: norm(22),
      up: part(width, inner, 7),
      ...(isT5 ? { gate: part(width, inner, 8) } : {}),
      down: part(inner, width, 9),
    },
    scale: seed / 1000,
  };
}

function given(options: Case): { hidden: tf.Tensor; inputs: DecoderStepInputs } {
  const { batch, length, padded, like, shared } = options;
  const ints = (rows: number, columns: number, at: (row: number, column: number) => number): tf.Tensor2D =>
    tf.tensor2d(
      Array.from({ length: rows * columns }, (_, i) => at(Math.floor(i / columns), i % columns)),
      [rows, columns],
      'int32',
    );
  const sources = shared ? batch / 2 : batch;
  const inputs: DecoderStepInputs = {
    blocks: [block(options, 100), block(options, 200)],
    length,
    numHeads,
    epsilon,
    activation,
    ...(padded ? { keyPaddingMask: ints(batch, length, (_, t) => (t === 0 && length > 1 ? 0 : 1)) } : {}),
    ...(like === 't5'
      ? {
          positionBias: x([1, numHeads, 1, length], 3),
          memoryPaddingMask: ints(sources, remembered, (b, t) => (t < remembered - b ? 1 : 0)),
        }
      : {}),
    ...(shared ? { rows: ints(batch, length, (b, t) => (t === length - 1 ? b : (5 * b + t) % held)) } : {}),
  };
  return { hidden: x([batch, 1, width], 1), inputs };
}

/** A block by the ops one by one: what it gives, and the keys and values of its position. */
function oneByOne(
  from: tf.Tensor,
  { self, cross, feedForward, scale }: StepBlock,
  inputs: DecoderStepInputs,
) {
  const { length, keyPaddingMask, memoryPaddingMask, positionBias: bias, rows } = inputs;
  const run = ({ weight, bias, layout }: StepLinear, given: tf.Tensor, kind: Activation = 'none') =>
    'scales' in weight
      ? quantizedLinear(given, weight, bias, kind)
      : linear(given, weight, bias, { layout, activation: kind });
  const normed = ({ weight, bias }: StepNorm, given: tf.Tensor) =>
    bias ? layerNorm(given, weight, bias, epsilon) : rmsNorm(given, weight, epsilon);
  const ready = normed(self.norm, from);
  const [query, key, value] =
    self.inputs.length === 1
      ? tf.split(run(self.inputs[0], ready), 3, -1)
      : self.inputs.map((each) => run(each, ready));
  const shared = { query: query!, numHeads, scale, ...(bias ? { bias } : {}) };
  const batch = from.shape[0]!;
  const put = (buffer: tf.Tensor, added: tf.Tensor): tf.Tensor => {
    const [all, capacity] = buffer.shape as [number, number];
    const before = tf.slice(buffer, [0, 0, 0], [-1, length - 1, -1]);
    const kept = tf.slice(buffer, [batch, length - 1, 0], [all - batch, 1, -1]);
    const after = tf.slice(buffer, [0, length, 0], [-1, capacity - length, -1]);
    return tf.concat([before, tf.concat([added, kept], 0), after], 1);
  };
  const [keys, values] = [put(self.key, key!), put(self.value, value!)];
  const attended = rows
    ? beamAttention({ ...shared, key: keys, value: values, rows, keyLength: length })
    : scaledDotProductAttention({
        ...shared,
        key: keys,
        value: values,
        keyLength: length,
        causal: true,
        ...(keyPaddingMask ? { keyPaddingMask } : {}),
      });
  let hidden = tf.add(from, run(self.project, attended));
  if (cross) {
    const asked = normed(cross.norm, hidden).reshape([cross.key.shape[0]!, -1, width]);
    const looked = scaledDotProductAttention({
      query: run(cross.query, asked),
      key: cross.key,
      value: cross.value,
      numHeads,
      scale,
      ...(memoryPaddingMask ? { keyPaddingMask: memoryPaddingMask } : {}),
    });
    hidden = tf.add(hidden, run(cross.project, looked).reshape(hidden.shape));
  }
  const { norm, gate, up, down } = feedForward;
  const last = normed(norm, hidden);
  const raised = gate ? tf.mul(run(gate, last, activation), run(up, last)) : run(up, last, activation);
  return { y: tf.add(hidden, run(down, raised)), keys, values };
}

test('decoderStep stands where its kernel does, for one position', () => {
  const here = hasKernel(kernels.DECODER_STEP);
  expect(here).toBe(tf.getBackend() === 'native');
  expect(hasDecoderStep(tf.zeros([8, 1, 4]))).toBe(here);
  expect(hasDecoderStep(tf.zeros([1, 2, 4]))).toBe(false);
});

if (tf.getBackend() === 'native')
  describe('decoderStep', () => {
    const cases: Case[] = [1, 3, 8, 10].flatMap((batch) =>
      [1, 2, 71].flatMap((length) =>
        [false, true].flatMap((int8) => [
          { batch, length, padded: false, int8, like: 'gpt2' as const, shared: false },
          { batch, length, padded: true, int8, like: 'gpt2' as const, shared: false },
          { batch, length, padded: false, int8, like: 't5' as const, shared: false },
          { batch: 2 * Math.ceil(batch / 3), length, padded: false, int8, like: 't5' as const, shared: true },
        ]),
      ),
    );

    test.each(cases)('equals the ops one by one: %o', (options) => {
      const { hidden, inputs } = given(options);
      // At the second call weights are packed where that serves.
      for (let call = 0; call < 2; call++) {
        let want = hidden;
        const written = inputs.blocks.map((each) => {
          const { y, keys, values } = oneByOne(want, each, inputs);
          want = y;
          return [keys, values];
        });
        const y = decoderStep(hidden, inputs);
        expect(y.shape).toEqual(hidden.shape);
        expectClose(y.dataSync(), want.dataSync(), { atol: 1e-6, rtol: 1e-6 }, 'y');
        inputs.blocks.forEach(({ self }, i) => {
          for (const [j, buffer] of [self.key, self.value].entries()) {
            expectClose(buffer.dataSync(), written[i]![j]!.dataSync(), { atol: 1e-6, rtol: 1e-6 }, 'cache');
          }
        });
      }
    });

    test('refuses what does not fit, before anything is written', () => {
      const options = { batch: 2, length: 3, padded: false, int8: false, shared: false };
      const { hidden, inputs } = given({ ...options, like: 't5' });
      const [first, second] = inputs.blocks as [StepBlock, StepBlock];
      const cross = second.cross!;
      const step = (change: Partial<StepBlock>, others: Partial<DecoderStepInputs> = {}) =>
        decoderStep(hidden, { ...inputs, ...others, blocks: [first, { ...second, ...change }] });
      const before = first.self.key.dataSync();
      const [query, key, value] = second.self.inputs as [StepLinear, StepLinear, StepLinear];
      const { up, down } = second.feedForward;
      const quantized = quantizeWeight(tf.transpose(up.weight as tf.Tensor2D) as tf.Tensor2D, 4);
      const wrong: Partial<StepBlock>[] = [
        { self: { ...second.self, key: x([1, 5, wide], 2) } },
        { self: { ...second.self, value: x([2, 6, wide], 2) } },
        { self: { ...second.self, inputs: [query] } },
        { self: { ...second.self, inputs: [query, key, { ...value, weight: x([wide, wide], 2) }] } },
        { self: { ...second.self, project: query } },
        { self: { ...second.self, norm: { weight: x([wide], 2) } } },
        { self: { ...second.self, norm: { ...second.self.norm, bias: x([wide], 2) } } },
        { cross: { ...cross, key: x([1, remembered, wide], 2) } },
        { cross: { ...cross, value: x([2, remembered + 1, wide], 2) } },
        { cross: { ...cross, query: down } },
        { feedForward: { ...second.feedForward, gate: down } },
        { feedForward: { ...second.feedForward, up: { ...up, weight: quantized } } },
        { feedForward: { ...second.feedForward, up: { ...up, bias: x([wide], 2) } } },
        { feedForward: { ...second.feedForward, down: up } },
      ];
      for (const change of wrong) expect(() => step(change)).toThrow(ShapeError);
      const { cross: _, ...without } = second;
      for (const blocks of [
        [first, without],
        [without, first],
      ]) {
        expect(() => decoderStep(hidden, { ...inputs, blocks })).toThrow(InputError);
      }
      const apart = (one: StepBlock) => ({ ...one, cross: { ...cross, key: x([3, remembered, wide], 2) } });
      expect(() => decoderStep(hidden, { ...inputs, blocks: [apart(first), apart(second)] })).toThrow(
        InputError,
      );
      expect(() => step({}, { length: 6 })).toThrow(ShapeError);
      expect(() => step({}, { positionBias: x([1, numHeads, 1, 4], 1) })).toThrow(ShapeError);
      expect(() => step({}, { memoryPaddingMask: tf.ones([2, 3]) })).toThrow(ShapeError);
      expect(() => step({}, { keyPaddingMask: tf.ones([2, 4]) })).toThrow(ShapeError);
      expect(() => step({}, { rows: tf.zeros([2, 4], 'int32') })).toThrow(ShapeError);
      expect(() => step({}, { length: 0 })).toThrow(InputError);
      for (const heads of [0, 5]) expect(() => step({}, { numHeads: heads })).toThrow(InputError);
      expect(() => decoderStep(hidden, { ...inputs, blocks: [] })).toThrow(InputError);
      expect(first.self.key.dataSync()).toEqual(before);
      expect(() => step({}, { rows: tf.fill([2, 3], 2, 'int32') })).toThrow(InputError);
    });
  });
