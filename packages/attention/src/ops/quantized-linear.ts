import tf = require('@tensorflow/tfjs');

import { InputError } from '@weft/errors';
import { activation } from './activation.js';
import { asMatrix, checkShape } from './check.js';
import { hasKernel, runFused } from './dispatch.js';
import {
  type Activation,
  QUANTIZE_WEIGHT,
  QUANTIZED_LINEAR,
  type QuantizedLinearAttrs,
  type QuantizeWeightAttrs,
} from './kernels.js';

/** A weight in int8, symmetric, one scale for each group of inputs of each output. */
export interface QuantizedWeight {
  /** int32 [N, K / 4]: four int8 an element, lowest byte first, along K */
  quantized: tf.Tensor2D;
  /** [N, K / groupSize] */
  scales: tf.Tensor2D;
  groupSize: number;
}

/**
 * Quantizes a weight [N, K] (out-in) to int8: each group of `groupSize` inputs is divided by its largest
 * magnitude / 127 and rounded to nearest.
 *
 * @throws InputError when groupSize does not divide K or is no multiple of 4
 */
export function quantizeWeight(weight: tf.Tensor2D, groupSize = 32): QuantizedWeight {
  const [outputs, inputs] = weight.shape;
  if (inputs % groupSize !== 0 || groupSize % 4 !== 0) {
    throw new InputError({
      operation: 'quantizeWeight',
      expected: `a group size that divides ${inputs} and is a multiple of 4`,
      received: String(groupSize),
      remedy: 'use 32 or 64, or keep this layer in float32',
    });
  }
  if (hasKernel(QUANTIZE_WEIGHT)) {
    const attrs: QuantizeWeightAttrs = { groupSize };
    const [quantized, scales] = runFused(QUANTIZE_WEIGHT, { weight }, attrs);
    return { quantized: quantized as tf.Tensor2D, scales: scales as tf.Tensor2D, groupSize };
  }
  const values = weight.dataSync();
  const bytes = new Int8Array(outputs * inputs);
  const scales = new Float32Array((outputs * inputs) / groupSize);
  for (let group = 0; group < scales.length; group++) {
    const start = group * groupSize;
    let largest = 0;
    for (let i = start; i < start + groupSize; i++) largest = Math.max(largest, Math.abs(values[i]!));
    const scale = Math.fround(largest / 127);
    scales[group] = scale;
    if (scale === 0) continue;
    for (let i = start; i < start + groupSize; i++) bytes[i] = Math.round(values[i]! / scale);
  }
  return {
    quantized: tf.tensor2d(new Int32Array(bytes.buffer), [outputs, inputs / 4], 'int32'),
    scales: tf.tensor2d(scales, [outputs, inputs / groupSize]),
    groupSize,
  };
}

/**
 * Linear with an int8 weight, for decoding; no gradient.
 *
 * @param x [..., K]
 * @param bias [N]
 * @returns [..., N]
 */
export function quantizedLinear(
  x: tf.Tensor,
  { quantized, scales, groupSize }: QuantizedWeight,
  bias?: tf.Tensor,
  kind: Activation = 'none',
): tf.Tensor {
  const [outputs, quarter] = quantized.shape;
  checkShape('quantizedLinear', 'x', x, [...x.shape.slice(0, -1), quarter * 4]);
  if (hasKernel(QUANTIZED_LINEAR)) {
    const attrs: QuantizedLinearAttrs = { groupSize, activation: kind };
    return runFused(QUANTIZED_LINEAR, { x, quantized, scales, bias }, attrs)[0]!;
  }
  return tf.tidy(() => {
    const weight = dequantize(quantized, scales, groupSize);
    const product = tf.matMul(asMatrix(x), weight, false, true);
    return activation(bias ? tf.add(product, bias) : product, kind).reshape([
      ...x.shape.slice(0, -1),
      outputs,
    ]);
  });
}

/** The float32 weight [N, K] that a quantized one stands for. */
export function dequantize(quantized: tf.Tensor2D, scales: tf.Tensor2D, groupSize: number): tf.Tensor2D {
  const packed = quantized.dataSync() as Int32Array;
  const bytes = new Int8Array(packed.buffer, packed.byteOffset, packed.length * 4);
  const factors = scales.dataSync();
  const weight = Float32Array.from(bytes, (byte, i) => byte * factors[Math.floor(i / groupSize)]!);
  return tf.tensor2d(weight, [quantized.shape[0], quantized.shape[1] * 4]);
}
