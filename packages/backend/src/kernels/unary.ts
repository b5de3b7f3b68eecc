import type { TensorInfo } from '@tensorflow/tfjs';
import { type KernelCall, type NativeKernel, runOnCpu } from '../native/kernel.js';
import { sizeOf } from './sizes.js';

/** The numbers of native/kernels/unary.h, by the kernels' names in tfjs. */
const kinds = {
  Neg: 0,
  Abs: 1,
  Square: 2,
  Sqrt: 3,
  Rsqrt: 4,
  Reciprocal: 5,
  Exp: 6,
  Log: 7,
  Erf: 8,
  Tanh: 9,
  Sigmoid: 10,
  Relu: 11,
  Relu6: 12,
  Elu: 13,
  LeakyRelu: 14,
  Step: 15,
  Floor: 16,
  Ceil: 17,
  Round: 18,
  ClipByValue: 19,
  Sign: 21,
} as const;

export type UnaryName = keyof typeof kinds;
export const unaryNames = Object.keys(kinds) as UnaryName[];

interface UnaryAttrs {
  /** Of LeakyRelu and Step. */
  alpha?: number;
  clipValueMin?: number;
  clipValueMax?: number;
}

/** An elementwise kernel of tfjs; other types than float32 run on the cpu kernel. */
export function unary(name: UnaryName): NativeKernel<UnaryAttrs> {
  const kind = kinds[name];
  return (call: KernelCall<UnaryAttrs>): TensorInfo | TensorInfo[] => {
    const { backend, attrs, inputs } = call;
    const x = inputs.x!;
    if (x.dtype !== 'float32') return runOnCpu(name, call);
    const first = attrs?.alpha ?? attrs?.clipValueMin ?? 0;
    const y = backend.output(x.shape);
    backend.addon.unary(kind, backend.floats(x), y.values, sizeOf(x.shape), first, attrs?.clipValueMax ?? 0);
    return y;
  };
}
