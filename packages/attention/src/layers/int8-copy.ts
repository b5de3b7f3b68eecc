import tf = require('@tensorflow/tfjs');

import { rowsOf } from '../ops/check.js';
import { isRecording } from '../ops/dispatch.js';
import type { Activation, WeightLayout } from '../ops/kernels.js';
import { type QuantizedWeight, quantizedLinear, quantizeWeight } from '../ops/quantized-linear.js';

// Up to here reading the weight is what takes the time; with more rows, multiplying in float32 is faster.
const MAX_ROWS = 8;

/** An int8 copy of a linear layer's weight, for decoding a few rows at a time. */
export class Int8Copy {
  readonly weight: QuantizedWeight;

  /** @throws InputError when groupSize does not divide the inputs */
  constructor(weight: tf.Tensor2D, layout: WeightLayout, groupSize = 32) {
    this.weight = tf.tidy(() => {
      const outIn = layout === 'out-in' ? weight : (tf.transpose(weight) as tf.Tensor2D);
      return quantizeWeight(outIn, groupSize) as QuantizedWeight & tf.TensorContainer;
    });
    tf.keep(this.weight.quantized);
    tf.keep(this.weight.scales);
  }

  /** Whether this copy, not the weight, is to be used for x. */
  serves(x: tf.Tensor): boolean {
    return rowsOf(x) <= MAX_ROWS && !isRecording();
  }

  linear(x: tf.Tensor, bias?: tf.Tensor, activation: Activation = 'none'): tf.Tensor {
    return quantizedLinear(x, this.weight, bias, activation);
  }

  dispose(): void {
    tf.dispose([this.weight.quantized, this.weight.scales]);
  }
}
