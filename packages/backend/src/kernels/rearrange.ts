import type { TensorInfo } from '@tensorflow/tfjs';

import tf = require('@tensorflow/tfjs');

import { type KernelCall, runOnCpu } from '../native/kernel.js';
import type { NativeBackend } from '../native/native-backend.js';
import { sizeOf, stridesOf } from './sizes.js';

/** A tensor of four bytes an element, which is moved as what it is. */
interface FourByte extends TensorInfo {
  dtype: 'float32' | 'int32';
}
const fourByte = (tensor: TensorInfo): tensor is FourByte =>
  tensor.dtype === 'float32' || tensor.dtype === 'int32';

/** The bits of a tensor of four bytes an element, as floats. */
function bitsOf(backend: NativeBackend, tensor: FourByte): Float32Array {
  const values = backend.valuesOf(tensor);
  return values instanceof Float32Array
    ? values
    : new Float32Array(values.buffer, values.byteOffset, values.length);
}

interface Move {
  shape: readonly number[];
  xStrides: readonly number[];
  yStrides: readonly number[];
  xOffset?: number;
  yOffset?: number;
}

function move(
  backend: NativeBackend,
  x: FourByte,
  y: FourByte,
  { shape, xStrides, yStrides, xOffset = 0, yOffset = 0 }: Move,
): void {
  const layout = Int32Array.of(...shape, ...xStrides, ...yStrides);
  backend.addon.copyStrided(bitsOf(backend, x), bitsOf(backend, y), layout, shape.length, xOffset, yOffset);
}

const output = (backend: NativeBackend, shape: number[], { dtype }: FourByte): FourByte =>
  (dtype === 'float32' ? backend.output(shape) : backend.output(shape, 'int32')) as unknown as FourByte;

export function transpose(call: KernelCall<{ perm: number[] }>): TensorInfo | TensorInfo[] {
  const { backend, attrs } = call;
  const x = call.inputs.x!;
  if (!fourByte(x)) return runOnCpu('Transpose', call);
  const { perm } = attrs;
  const shape = perm.map((axis) => x.shape[axis]!);
  // Only axes of size one change places: the data stay as they are.
  const moved = perm.filter((axis) => x.shape[axis] !== 1);
  if (moved.every((axis, i) => i === 0 || axis > moved[i - 1]!)) return backend.alias(x, shape);
  const strides = stridesOf(x.shape);
  const y = output(backend, shape, x);
  move(backend, x, y, { shape, xStrides: perm.map((axis) => strides[axis]!), yStrides: stridesOf(shape) });
  return y;
}

export function slice(call: KernelCall<{ begin: number | number[]; size: number | number[] }>) {
  const { backend, attrs } = call;
  const x = call.inputs.x!;
  if (!fourByte(x)) return runOnCpu('Slice', call);
  const [begin, size] = tf.slice_util.parseSliceParams(x as never, attrs.begin, attrs.size) as [
    number[],
    number[],
  ];
  tf.slice_util.assertParamsValid(x as never, begin, size);
  return part(backend, x, begin, size);
}

/** A copy, never a view: the buffer of x may be used again before that of the slice. */
function part(backend: NativeBackend, x: FourByte, begin: number[], size: number[]): TensorInfo {
  const strides = stridesOf(x.shape);
  const y = output(backend, size, x);
  const xOffset = begin.reduce((offset, at, axis) => offset + at * strides[axis]!, 0);
  move(backend, x, y, { shape: size, xStrides: strides, yStrides: stridesOf(size), xOffset });
  return y;
}

export function splitV(call: KernelCall<{ numOrSizeSplits: number | number[]; axis: number }>) {
  const { backend, attrs } = call;
  const x = call.inputs.x!;
  if (!fourByte(x)) return runOnCpu('SplitV', call);
  const axis = tf.util.parseAxisParam(attrs.axis, x.shape)[0]!;
  const sizes = tf.backend_util.prepareSplitSize(x as never, attrs.numOrSizeSplits, axis);
  const begin = new Array<number>(x.shape.length).fill(0);
  return sizes.map((length) => {
    const size = x.shape.slice();
    size[axis] = length;
    const y = part(backend, x, begin, size);
    begin[axis] = begin[axis]! + length;
    return y;
  });
}

export function concat(call: KernelCall<{ axis: number }>): TensorInfo | TensorInfo[] {
  const { backend, attrs } = call;
  const tensors = call.inputs as unknown as TensorInfo[];
  const axis = tf.util.parseAxisParam(attrs.axis, tensors[0]!.shape)[0]!;
  const { dtype } = tensors[0]!;
  if (!tensors.every((tensor) => fourByte(tensor) && tensor.dtype === dtype)) return runOnCpu('Concat', call);
  const shapes = tensors.map(({ shape }) => shape);
  tf.backend_util.assertParamsConsistent(shapes, axis);
  return join(backend, tensors as FourByte[], tf.backend_util.computeOutShape(shapes, axis), axis);
}

/** Each tensor's part of the axis after the other. */
function join(backend: NativeBackend, tensors: FourByte[], shape: number[], axis: number): TensorInfo {
  const y = output(backend, shape, tensors[0]!);
  const outer = sizeOf(shape.slice(0, axis));
  const width = sizeOf(shape.slice(axis));
  let yOffset = 0;
  for (const x of tensors) {
    const own = outer === 0 ? 0 : sizeOf(x.shape) / outer;
    if (own === 0) continue;
    move(backend, x, y, { shape: [outer, own], xStrides: [own, 1], yStrides: [width, 1], yOffset });
    yOffset += own;
  }
  return y;
}

/** A new axis along which the tensors follow each other. */
export function pack(call: KernelCall<{ axis: number }>): TensorInfo | TensorInfo[] {
  const { backend, attrs } = call;
  const tensors = call.inputs as unknown as TensorInfo[];
  const { dtype, shape } = tensors[0]!;
  if (!tensors.every((tensor) => fourByte(tensor) && tensor.dtype === dtype)) return runOnCpu('Pack', call);
  for (const tensor of tensors) {
    tf.util.assertShapesMatch(shape, tensor.shape, 'All tensors passed to stack must have matching shapes');
  }
  const axis = attrs.axis < 0 ? attrs.axis + shape.length + 1 : attrs.axis;
  const packed = [...shape.slice(0, axis), tensors.length, ...shape.slice(axis)];
  return join(backend, tensors as FourByte[], packed, axis);
}

export function padV2(call: KernelCall<{ paddings: [number, number][]; constantValue: number }>) {
  const { backend, attrs } = call;
  const x = call.inputs.x!;
  if (x.dtype !== 'float32' || !fourByte(x)) return runOnCpu('PadV2', call);
  const shape = x.shape.map((size, axis) => size + attrs.paddings[axis]![0] + attrs.paddings[axis]![1]);
  const y = backend.output(shape);
  backend.addon.fill(y.values, y.values.length, attrs.constantValue);
  const strides = stridesOf(shape);
  const yOffset = attrs.paddings.reduce((offset, [before], axis) => offset + before * strides[axis]!, 0);
  move(backend, x, y as unknown as FourByte, {
    shape: x.shape,
    xStrides: stridesOf(x.shape),
    yStrides: strides,
    yOffset,
  });
  return y;
}

export function tile(call: KernelCall<{ reps: number[] }>): TensorInfo | TensorInfo[] {
  const { backend, attrs } = call;
  const x = call.inputs.x!;
  if (!fourByte(x)) return runOnCpu('Tile', call);
  const shape = x.shape.map((size, axis) => size * attrs.reps[axis]!);
  const y = output(backend, shape, x);
  const [xStrides, yStrides] = [stridesOf(x.shape), stridesOf(shape)];
  // Each axis is two: the repetitions, then the places.
  move(backend, x, y, {
    shape: x.shape.flatMap((size, axis) => [attrs.reps[axis]!, size]),
    xStrides: xStrides.flatMap((stride) => [0, stride]),
    yStrides: yStrides.flatMap((stride, axis) => [stride * x.shape[axis]!, stride]),
  });
  return y;
}

export function expandDims(call: KernelCall<{ dim: number }>): TensorInfo {
  const input = call.inputs.input!;
  const shape = input.shape.slice();
  const { dim } = call.attrs;
  shape.splice(dim < 0 ? shape.length + 1 + dim : dim, 0, 1);
  return call.backend.alias(input, shape);
}
