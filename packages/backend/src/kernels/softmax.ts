import type { TensorInfo } from '@tensorflow/tfjs';
import { type KernelCall, runOnCpu } from '../native/kernel.js';
import { rowsAndWidth } from './sizes.js';

/** Over the last axis, as tfjs demands. */
export function softmax(call: KernelCall<{ dim: number }>): TensorInfo | TensorInfo[] {
  const { backend, inputs, attrs } = call;
  const x = inputs.logits!;
  const last = attrs.dim === -1 || attrs.dim === x.shape.length - 1;
  if (x.dtype !== 'float32' || !last) return runOnCpu('Softmax', call);
  const { rows, width } = rowsAndWidth(x);
  const y = backend.output(x.shape);
  backend.addon.softmax(backend.floats(x), y.values, rows, width);
  return y;
}
