import { totalmem } from 'node:os';
import type { BackendValues, DataType, NumericDataType, TensorInfo, TypedArray } from '@tensorflow/tfjs';

import cpu = require('@tensorflow/tfjs-backend-cpu');

import { BackendError } from '@weft/errors';
import type { Addon, InstructionSet } from '../addon/addon.js';
import { BufferPool } from './buffer-pool.js';

/** The key of a tensor's data in tfjs: any object. */
type DataId = object;

/** What the cpu backend keeps for a tensor, and whether its buffer may be used again. */
interface NativeData {
  values?: BackendValues;
  dtype: DataType;
  complexTensorInfos?: { real: TensorInfo; imag: TensorInfo };
  refCount: number;
  /** The pool's buffer under `values`, as long as nobody but this backend can see it. */
  pooled?: ArrayBuffer | undefined;
  /** What was made of these values for one instruction set's kernels; see `packedWeight` and `coarseWeight`. */
  copies?: Partial<Record<'packed' | 'coarse', WeightCopy>> | undefined;
}

/** A copy of a weight in another form, or how often one would have served. */
interface WeightCopy {
  uses: number;
  values?: Float32Array | Int32Array;
  instructionSet?: InstructionSet;
}

/** An array of the pool for a copy of a weight; undefined where all copies together would take too much. */
type TakeArray = <T>(
  type: new (buffer: ArrayBuffer, offset: number, length: number) => T,
  size: number,
) => T | undefined;

/** A new tensor and the array that a kernel fills. */
export interface Output<T extends TypedArray = Float32Array> extends TensorInfo {
  dataId: DataId;
  values: T;
}

/** The largest tensor, in bytes, exclusive: offsets of 32 bits are in use all through tfjs. */
const limit = 2 ** 31;
/** The most bytes that copies of weights may take. */
const packedLimit = Math.min(2 ** 31, totalmem() / 8);

/**
 * The cpu backend of tfjs with memory that is used again and kernels in C++. Data are typed arrays that
 * JavaScript owns; kernels get pointers to them for the time of a call.
 *
 * A buffer goes back to the pool when its tensor is disposed, unless somebody else may see it: `read` and
 * `readSync` give copies, and whatever passes through a kernel of the cpu backend, which may return views of
 * its inputs, is left to the garbage collector (see `share`).
 */
export class NativeBackend extends cpu.MathBackendCPU {
  readonly addon: Addon;
  readonly pool: BufferPool;
  #packedBytes = 0;
  /** Bytes of weights that V8 is told of when the present task has ended. */
  #uncounted = 0;

  constructor(addon: Addon) {
    super();
    this.addon = addon;
    this.pool = new BufferPool(addon);
  }

  /** As the cpu backend's, without the advice to install another package. */
  override write(values: BackendValues, _shape: number[], dtype: DataType): DataId {
    if (ArrayBuffer.isView(values)) checkSize(values.byteLength);
    const dataId = {};
    this.data.set(dataId, { values, dtype, refCount: 1 });
    return dataId;
  }

  /** A tensor with room for its values, which are whatever the memory's last user left. */
  output(shape: number[], dtype?: 'float32'): Output<Float32Array>;
  output(shape: number[], dtype: 'int32'): Output<Int32Array>;
  output(shape: number[], dtype: 'bool'): Output<Uint8Array>;
  output(shape: number[], dtype: NumericDataType): Output<TypedArray>;
  output(shape: number[], dtype: NumericDataType = 'float32'): Output<TypedArray> {
    let size = 1;
    for (let axis = 0; axis < shape.length; axis++) size *= shape[axis]!;
    const bytes = dtype === 'bool' ? size : size * 4;
    checkSize(bytes);
    const pooled = this.pool.take(bytes);
    const values =
      dtype === 'float32'
        ? new Float32Array(pooled, 0, size)
        : dtype === 'bool'
          ? new Uint8Array(pooled, 0, size)
          : new Int32Array(pooled, 0, size);
    const dataId = {};
    const data: NativeData = { values, dtype, refCount: 1, pooled };
    this.data.set(dataId, data);
    return { dataId, shape, dtype, values };
  }

  /**
   * Memory for weights, to be written whole: in large pages where the system has them, since decoding is bound by
   * reading it. A whole model's counts for the garbage collector as one change, else every 64 MB of it would have the
   * heap searched in vain.
   */
  allocate(bytes: number): ArrayBuffer {
    const buffer = this.addon.allocateBuffer(bytes) ?? new ArrayBuffer(bytes);
    if (this.#uncounted === 0) {
      queueMicrotask(() => {
        this.addon.countExternalMemory(this.#uncounted);
        this.#uncounted = 0;
      });
    }
    this.#uncounted += bytes;
    this.addon.countExternalMemory(-bytes);
    return buffer;
  }

  /** The array of a float32 tensor, for reading within one call. */
  floats(tensor: TensorInfo): Float32Array {
    return this.data.get(tensor.dataId as DataId).values as Float32Array;
  }

  /** The array of an int32 tensor. */
  ints(tensor: TensorInfo): Int32Array {
    return this.data.get(tensor.dataId as DataId).values as Int32Array;
  }

  /** The array of a tensor of any numeric type. */
  valuesOf(tensor: TensorInfo): TypedArray {
    return this.data.get(tensor.dataId as DataId).values as TypedArray;
  }

  /**
   * The array of a float32 tensor, for writing in place. Memory that somebody else may see, such as an array of
   * the user's that the tensor was made of, is first replaced by a copy.
   */
  writable(tensor: TensorInfo): Float32Array {
    const data = this.data.get(tensor.dataId as DataId) as NativeData;
    const values = data.values as Float32Array;
    this.#forgetCopies(data);
    if (data.pooled !== undefined) return values;
    const pooled = this.pool.take(values.byteLength);
    const copy = new Float32Array(pooled, 0, values.length);
    copy.set(values);
    data.values = copy;
    data.pooled = pooled;
    return copy;
  }

  /**
   * A copy of a linear's weight in the order in which the multiplication reads it, made when the same values serve
   * for the second time and kept until they change or go; undefined before that, and where the copies would take
   * too much memory.
   */
  packedWeight(weight: TensorInfo, outIn: boolean): Float32Array | undefined {
    return this.#copyOf(weight, 'packed', (values, take) => {
      const [n, k] = (outIn ? weight.shape : [...weight.shape].reverse()) as [number, number];
      const size = this.addon.packedFloats(n, k);
      const packed = take(Float32Array, size);
      if (packed) this.addon.packWeight(outIn, n, k, values, packed);
      return packed;
    });
  }

  /** Likewise, of the weight [V, E] of a language model's last layer, the int8 copy that finds the likeliest token. */
  coarseWeight(weight: TensorInfo): Int32Array | undefined {
    return this.#copyOf(weight, 'coarse', (values, take) => {
      const [n, k] = weight.shape as [number, number];
      const coarse = take(Int32Array, this.addon.coarseSize(n, k));
      if (coarse) this.addon.coarseWeight(n, k, values, coarse);
      return coarse;
    });
  }

  #copyOf<T extends Float32Array | Int32Array>(
    weight: TensorInfo,
    kind: 'packed' | 'coarse',
    make: (values: Float32Array, take: TakeArray) => T | undefined,
  ): T | undefined {
    const data = this.data.get(weight.dataId as DataId) as NativeData;
    data.copies ??= {};
    const copy = data.copies[kind];
    const instructionSet = this.addon.instructionSet();
    if (copy?.instructionSet === instructionSet) return copy.values as T;
    if (copy) this.#forget(copy);
    const uses = (copy?.uses ?? 0) + 1;
    data.copies[kind] = { uses };
    if (uses < 2) return undefined;
    const values = make(data.values as Float32Array, (type, size) => {
      if (this.#packedBytes + 4 * size > packedLimit) return undefined;
      const buffer = this.pool.take(4 * size);
      this.#packedBytes += buffer.byteLength;
      return new type(buffer, 0, size);
    });
    if (values) data.copies[kind] = { uses, values, instructionSet };
    return values;
  }

  #forget({ values }: WeightCopy): void {
    if (values === undefined) return;
    this.#packedBytes -= values.buffer.byteLength;
    this.pool.give(values.buffer as ArrayBuffer);
  }

  #forgetCopies(data: NativeData): void {
    if (data.copies === undefined) return;
    for (const copy of Object.values(data.copies)) this.#forget(copy);
    data.copies = undefined;
  }

  /** The same data under another shape. */
  alias(tensor: TensorInfo, shape: number[]): TensorInfo {
    this.incRef(tensor.dataId as DataId);
    return { dataId: tensor.dataId, shape, dtype: tensor.dtype };
  }

  /**
   * From now on somebody else may see this tensor's array: it becomes one of V8's own, which the garbage collector frees.
   */
  share(tensor: TensorInfo): void {
    const data = this.data.get(tensor.dataId as DataId) as NativeData;
    if (data.pooled !== undefined) {
      data.values = (data.values as TypedArray).slice();
      this.pool.give(data.pooled);
      data.pooled = undefined;
    }
    if (data.complexTensorInfos !== undefined) {
      this.share(data.complexTensorInfos.real);
      this.share(data.complexTensorInfos.imag);
    }
  }

  override readSync(dataId: DataId): BackendValues {
    const values = super.readSync(dataId);
    // A copy: the buffer below may hold another tensor soon, and some kernels write in place.
    return ArrayBuffer.isView(values) ? (values.slice() as TypedArray) : values;
  }

  override disposeData(dataId: DataId, force = false): boolean {
    if (!this.data.has(dataId)) return true;
    const data = this.data.get(dataId) as NativeData;
    data.refCount--;
    if (!force && data.refCount > 0) return false;
    if (data.complexTensorInfos !== undefined) {
      this.disposeData(data.complexTensorInfos.real.dataId as DataId, true);
      this.disposeData(data.complexTensorInfos.imag.dataId as DataId, true);
    }
    this.data.delete(dataId);
    this.#forgetCopies(data);
    if (data.pooled !== undefined) this.pool.give(data.pooled);
    return true;
  }

  override memory(): NativeMemory {
    const { used, free, peak } = this.pool.state();
    return {
      unreliable: false,
      reasons: [],
      poolUsedBytes: used,
      poolFreeBytes: free,
      poolPeakBytes: peak,
      scratchBytes: this.addon.scratchMemory(),
      packedBytes: this.#packedBytes,
    };
  }

  override dispose(): void {
    this.pool.clear();
  }
}

/** What `tf.memory()` tells beyond tfjs's own counts. */
export interface NativeMemory {
  unreliable: boolean;
  reasons: string[];
  /** Bytes of the pool that tensors use. */
  poolUsedBytes: number;
  /** Bytes of the pool that wait to be used again. */
  poolFreeBytes: number;
  /** The most that tensors ever used of the pool. */
  poolPeakBytes: number;
  /** Bytes that the kernels' threads keep for intermediate values. */
  scratchBytes: number;
  /** Bytes of the pool in copies of weights that kernels read faster. */
  packedBytes: number;
}

function checkSize(bytes: number): void {
  if (bytes < limit) return;
  throw new BackendError({
    operation: 'native backend',
    expected: `a tensor of fewer than ${limit} bytes`,
    received: `one of ${bytes} bytes`,
    remedy: 'split the batch or the sequence into smaller parts',
  });
}
