import type { TensorInfo } from '@tensorflow/tfjs';
import { type KernelCall, type NativeKernel, runOnCpu } from '../native/kernel.js';

/** A tensor of one value. */
export function fill(call: KernelCall<{ shape: number[]; value: number | string; dtype?: string }>) {
  const { backend, attrs } = call;
  const { shape, value, dtype = typeof value === 'number' ? 'float32' : 'string' } = attrs;
  if (dtype !== 'float32' || typeof value !== 'number') return runOnCpu('Fill', call);
  const y = backend.output(shape);
  backend.addon.fill(y.values, y.values.length, value);
  return y;
}

/** ZerosLike and OnesLike. */
export function fillLike(name: 'ZerosLike' | 'OnesLike'): NativeKernel<object> {
  const value = name === 'OnesLike' ? 1 : 0;
  return (call: KernelCall): TensorInfo | TensorInfo[] => {
    const { backend, inputs } = call;
    const x = inputs.x!;
    if (x.dtype !== 'float32') return runOnCpu(name, call);
    const y = backend.output(x.shape);
    backend.addon.fill(y.values, y.values.length, value);
    return y;
  };
}
