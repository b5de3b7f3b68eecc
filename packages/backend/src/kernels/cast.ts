import type { DataType, TensorInfo } from '@tensorflow/tfjs';
import { type KernelCall, runOnCpu } from '../native/kernel.js';
import { sizeOf } from './sizes.js';

/**
 * Between float32, int32 and bool. Always a new array of the new type, where the cpu backend would leave integers
 * under the name of floats.
 */
export function cast(call: KernelCall<{ dtype: DataType }>): TensorInfo | TensorInfo[] {
  const { backend, inputs, attrs } = call;
  const x = inputs.x!;
  const { dtype } = attrs;
  if (x.dtype === dtype) return backend.alias(x, x.shape);
  const known = ['float32', 'int32', 'bool'];
  if (!known.includes(x.dtype) || !known.includes(dtype)) return runOnCpu('Cast', call);
  const { addon } = backend;
  const values = backend.valuesOf(x);
  const n = sizeOf(x.shape);
  if (dtype === 'float32') {
    const y = backend.output(x.shape);
    if (values instanceof Int32Array) addon.intToFloat(values, y.values, n);
    else addon.byteToFloat(values as Uint8Array, y.values, n);
    return y;
  }
  if (dtype === 'int32') {
    const y = backend.output(x.shape, 'int32');
    if (values instanceof Float32Array) addon.floatToInt(values, y.values, n);
    else addon.byteToInt(values as Uint8Array, y.values, n);
    return y;
  }
  const y = backend.output(x.shape, 'bool');
  if (values instanceof Float32Array) addon.floatToBool(values, y.values, n);
  else addon.intToBool(values as Int32Array, y.values, n);
  return y;
}
