import type { TensorInfo } from '@tensorflow/tfjs';

import tf = require('@tensorflow/tfjs');

import { type KernelCall, type NativeKernel, runOnCpu } from '../native/kernel.js';
import { sameShape, sizeOf } from './sizes.js';

/** The numbers of native/kernels/binary.h, by the kernels' names in tfjs. */
const kinds = {
  Add: 0,
  Sub: 1,
  Multiply: 2,
  RealDiv: 3,
  Maximum: 4,
  Minimum: 5,
  SquaredDifference: 6,
} as const;
const comparisons = { Equal: 0, NotEqual: 1, Less: 2, LessEqual: 3, Greater: 4, GreaterEqual: 5 } as const;

export type BinaryName = keyof typeof kinds;
export type ComparisonName = keyof typeof comparisons;
export const binaryNames = Object.keys(kinds) as BinaryName[];
export const comparisonNames = Object.keys(comparisons) as ComparisonName[];

/** How two tensors lie over each other: sizes and strides with all neighbours joined that can be. */
interface Layout {
  shape: number[];
  sizes: number[];
  a: number[];
  b: number[];
}

/** A stride of 0 repeats the tensor along an axis. */
function layoutOf(a: number[], b: number[]): Layout {
  if (sameShape(a, b)) return { shape: a, sizes: [1, sizeOf(a)], a: [0, 1], b: [0, 1] };
  const shape = tf.backend_util.assertAndGetBroadcastShape(a, b);
  // From the last axis to the first; each axis joins the one before where both strides go on evenly.
  const sizes: number[] = [];
  const strides: [number[], number[]] = [[], []];
  const next: [number, number] = [1, 1];
  for (let axis = 1; axis <= shape.length; axis++) {
    const size = shape.at(-axis)!;
    const of = [a, b].map((from, i) => {
      const own = from.at(-axis) ?? 1;
      const stride = own === 1 ? 0 : next[i]!;
      next[i] = next[i]! * own;
      return stride;
    });
    if (size === 1) continue;
    const last = sizes.length - 1;
    const joins = last >= 0 && of.every((stride, i) => stride === strides[i]![last]! * sizes[last]!);
    if (joins) {
      sizes[last] = sizes[last]! * size;
      continue;
    }
    sizes.push(size);
    strides[0].push(of[0]!);
    strides[1].push(of[1]!);
  }
  while (sizes.length < 2) {
    sizes.push(1);
    strides[0].push(0);
    strides[1].push(0);
  }
  return { shape, sizes: sizes.reverse(), a: strides[0].reverse(), b: strides[1].reverse() };
}

/** An elementwise kernel of two tensors; other types than float32 run on the cpu kernel. */
export function binary(name: BinaryName): NativeKernel<object> {
  const kind = kinds[name];
  return (call: KernelCall): TensorInfo | TensorInfo[] => {
    const { backend, inputs } = call;
    const { a, b } = inputs as { a: TensorInfo; b: TensorInfo };
    if (a.dtype !== 'float32' || b.dtype !== 'float32') return runOnCpu(name, call);
    const { shape, sizes, a: as, b: bs } = layoutOf(a.shape, b.shape);
    const y = backend.output(shape);
    const [av, bv] = [backend.floats(a), backend.floats(b)];
    if (sizes.length === 2) {
      backend.addon.binary(kind, av, bv, y.values, sizes[0]!, sizes[1]!, as[0]!, as[1]!, bs[0]!, bs[1]!);
    } else {
      backend.addon.binaryBroadcast(
        kind,
        av,
        bv,
        y.values,
        Int32Array.of(...sizes, ...as, ...bs),
        sizes.length,
      );
    }
    return y;
  };
}

/** A comparison; what is broadcast over more than two axes, or is not float32, runs on the cpu kernel. */
export function comparison(name: ComparisonName): NativeKernel<object> {
  const kind = comparisons[name];
  return (call: KernelCall): TensorInfo | TensorInfo[] => {
    const { backend, inputs } = call;
    const { a, b } = inputs as { a: TensorInfo; b: TensorInfo };
    if (a.dtype !== 'float32' || b.dtype !== 'float32') return runOnCpu(name, call);
    const { shape, sizes, a: as, b: bs } = layoutOf(a.shape, b.shape);
    if (sizes.length > 2) return runOnCpu(name, call);
    const y = backend.output(shape, 'bool');
    const [av, bv] = [backend.floats(a), backend.floats(b)];
    backend.addon.compare(kind, av, bv, y.values, sizes[0]!, sizes[1]!, as[0]!, as[1]!, bs[0]!, bs[1]!);
    return y;
  };
}

/** condition ? t : e, where the three have one shape. */
export function select(call: KernelCall): TensorInfo | TensorInfo[] {
  const { backend, inputs } = call;
  const { condition, t, e } = inputs as { condition: TensorInfo; t: TensorInfo; e: TensorInfo };
  const flags = backend.valuesOf(condition);
  const native = t.dtype === 'float32' && e.dtype === 'float32' && flags instanceof Uint8Array;
  if (!native || !sameShape(condition.shape, t.shape)) return runOnCpu('Select', call);
  const y = backend.output(t.shape);
  backend.addon.choose(flags, backend.floats(t), backend.floats(e), y.values, sizeOf(t.shape));
  return y;
}

/** The sum of any number of tensors of one shape. */
export function addN(call: KernelCall): TensorInfo | TensorInfo[] {
  const { backend } = call;
  const tensors = call.inputs as unknown as TensorInfo[];
  if (tensors.length < 2 || tensors.some(({ dtype }) => dtype !== 'float32')) return runOnCpu('AddN', call);
  const { shape } = tensors[0]!;
  const y = backend.output(shape);
  const n = sizeOf(shape);
  let sum = backend.floats(tensors[0]!);
  for (let i = 1; i < tensors.length; i++) {
    backend.addon.binary(kinds.Add, sum, backend.floats(tensors[i]!), y.values, 1, n, 0, 1, 0, 1);
    sum = y.values;
  }
  return y;
}
