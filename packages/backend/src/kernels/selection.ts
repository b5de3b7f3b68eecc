import type { TensorInfo } from '@tensorflow/tfjs';

import tf = require('@tensorflow/tfjs');

import { type KernelCall, runOnCpu } from '../native/kernel.js';

/** The index of the largest value along the last axis; other axes and types run on the cpu kernel. */
export function argMax(call: KernelCall<{ axis: number | number[] }>): TensorInfo | TensorInfo[] {
  const { inputs, backend, attrs } = call;
  const x = inputs.x!;
  const axis = tf.util.parseAxisParam(attrs.axis, x.shape)[0];
  const columns = x.shape.at(-1);
  if (x.dtype !== 'float32' || axis !== x.shape.length - 1 || !columns) return runOnCpu('ArgMax', call);
  const y = backend.output(x.shape.slice(0, -1), 'int32');
  backend.addon.argMax(backend.floats(x), y.values, y.values.length, columns);
  return y;
}

/** The k largest values along the last axis, and their indices. */
export function topK(call: KernelCall<{ k: number; sorted: boolean }>): TensorInfo | TensorInfo[] {
  const { inputs, backend, attrs } = call;
  const x = inputs.x!;
  const columns = x.shape.at(-1);
  // Among NaN there is no order: the cpu kernel's answer is taken as it is.
  if (
    x.dtype !== 'float32' ||
    !columns ||
    backend.addon.hasNan(backend.floats(x), tf.util.sizeFromShape(x.shape))
  ) {
    return runOnCpu('TopK', call);
  }
  const shape = [...x.shape.slice(0, -1), attrs.k];
  const values = backend.output(shape);
  const indices = backend.output(shape, 'int32');
  const rows = tf.util.sizeFromShape(x.shape) / columns;
  backend.addon.topK(backend.floats(x), values.values, indices.values, rows, columns, attrs.k);
  return [values, indices];
}
