import * as tf from '@tensorflow/tfjs';
import { InputError, ShapeError } from '@weft/errors';
import { closeTo, expectClose } from '@weft/testing';
import { describe, expect, it } from 'vitest';
import { fixture, toTensor } from '../../test/cases.ts';
import { dequantize, quantizedLinear, quantizeWeight } from './quantized-linear.js';

const expected = fixture('quantized');
const tensors = () => Object.fromEntries(Object.entries(expected.tensors).map(([k, v]) => [k, toTensor(v)]));

describe('quantizedLinear', () => {
  it('quantizes to the same integers and scales as the reference', () => {
    tf.tidy(() => {
      const { quantized, scales } = quantizeWeight(tensors().weight as tf.Tensor2D, 8);
      expect([...quantized.dataSync()]).toEqual([...expected.tensor('packed').data]);
      expectClose(scales.dataSync(), expected.tensor('scales').data);
    });
  });

  it('multiplies as the reference does, and leaves nothing behind', () => {
    const { weight, x, bias } = tensors();
    const packed = quantizeWeight(weight as tf.Tensor2D, 8);
    const before = tf.memory().numTensors;
    const y = quantizedLinear(x!, packed, bias, 'gelu');
    expect(tf.memory().numTensors).toBe(before + 1);
    expectClose(y.dataSync(), expected.tensor('y').data, closeTo.models);
    tf.dispose([y, weight!, x!, bias!, packed.quantized, packed.scales]);
  });

  it('is within half a step of every weight', () => {
    tf.tidy(() => {
      const weight = tensors().weight as tf.Tensor2D;
      const { quantized, scales } = quantizeWeight(weight, 8);
      const restored = dequantize(quantized, scales, 8).dataSync();
      const steps = scales.dataSync();
      weight.dataSync().forEach((value, i) => {
        expect(Math.abs(value - restored[i]!)).toBeLessThanOrEqual(steps[Math.floor(i / 8)]! * 0.5001);
      });
    });
  });

  it('takes a weight of zeros, and refuses groups and inputs that do not fit', () => {
    tf.tidy(() => {
      const zero = quantizeWeight(tf.zeros([2, 8]), 4);
      expect([...quantizedLinear(tf.ones([1, 8]), zero).dataSync()]).toEqual([0, 0]);
      expect(() => quantizeWeight(tf.zeros([2, 8]), 6)).toThrow(InputError);
      expect(() => quantizeWeight(tf.zeros([2, 8]), 2)).toThrow(InputError);
      expect(() => quantizedLinear(tf.ones([1, 9]), zero)).toThrow(ShapeError);
    });
  });
});
