import { closeSync, fstatSync, openSync, read, readSync } from 'node:fs';
import { CheckpointError } from '@weft/errors';
import { bfloatToFloat, type Dtype, dtypeBytes, halfToFloat } from './dtype.js';
import { maxHeaderBytes, parseHeader, type SafetensorsHeader, type TensorInfo } from './header.js';

export type TensorData =
  | Float64Array
  | Float32Array
  | Uint16Array
  | Int32Array
  | Int16Array
  | Int8Array
  | Uint8Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;

/** A tensor as it is stored; half types as their bits in a Uint16Array, BOOL as bytes. */
export interface StoredTensor {
  dtype: Dtype;
  shape: readonly number[];
  data: TensorData;
}

// One read call moves at most this much, so that several threads of the pool share the copying.
const CHUNK = 32 * 1024 * 1024;

/** One safetensors file, held open; tensors are read one by one, straight into arrays of their own. */
export class SafetensorsFile {
  readonly path: string;
  readonly metadata: Record<string, string>;
  #descriptor: number;
  #tensors: Map<string, TensorInfo>;
  #dataStart: number;
  #closed = false;

  /** @throws CheckpointError when the file is not whole, valid safetensors; system errors as they are */
  constructor(path: string) {
    this.path = path;
    this.#descriptor = openSync(path, 'r');
    try {
      const { header, dataStart } = readHeader(this.#descriptor, path);
      this.#tensors = header.tensors;
      this.metadata = header.metadata;
      this.#dataStart = dataStart;
    } catch (error) {
      closeSync(this.#descriptor);
      throw error;
    }
  }

  names(): string[] {
    return [...this.#tensors.keys()];
  }

  has(name: string): boolean {
    return this.#tensors.has(name);
  }

  info(name: string): TensorInfo {
    const info = this.#tensors.get(name);
    if (info) return info;
    throw new CheckpointError({
      operation: 'read tensor',
      expected: `one of the ${this.#tensors.size} tensors of ${this.path}`,
      received: name,
      remedy: 'names() lists them',
      file: this.path,
      keys: [name],
    });
  }

  /** The tensor as it is stored. */
  readRaw(name: string): StoredTensor {
    const info = this.info(name);
    const buffer = new ArrayBuffer(info.end - info.begin);
    this.#fill(new Uint8Array(buffer), info.begin);
    return { dtype: info.dtype, shape: info.shape, data: view(info.dtype, buffer) };
  }

  /** The tensor as float32, whatever it is stored in. */
  readFloat32(name: string): Float32Array {
    const { dtype, data } = this.readRaw(name);
    return toFloat32(dtype, data);
  }

  /**
   * Many tensors as float32 at once; the copying is shared by the threads of the file system pool.
   */
  async readAllFloat32(names: readonly string[] = this.names()): Promise<Map<string, Float32Array>> {
    const reads: Promise<void>[] = [];
    const buffers = names.map((name) => {
      const { begin, end } = this.info(name);
      const bytes = new Uint8Array(end - begin);
      for (let at = 0; at < bytes.length; at += CHUNK) {
        reads.push(this.#fillLater(bytes.subarray(at, Math.min(at + CHUNK, bytes.length)), begin + at));
      }
      return bytes;
    });
    await Promise.all(reads);
    return new Map(
      names.map((name, i) => {
        const { dtype } = this.info(name);
        return [name, toFloat32(dtype, view(dtype, buffers[i]!.buffer as ArrayBuffer))];
      }),
    );
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    closeSync(this.#descriptor);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #fill(bytes: Uint8Array, begin: number): void {
    let done = 0;
    while (done < bytes.length) {
      const count = Math.min(bytes.length - done, 0x40000000);
      const got = readSync(this.#descriptor, bytes, done, count, this.#dataStart + begin + done);
      if (got === 0) throw this.#shrunk();
      done += got;
    }
  }

  #fillLater(bytes: Uint8Array, begin: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const next = (done: number): void => {
        if (done === bytes.length) {
          resolve();
          return;
        }
        const position = this.#dataStart + begin + done;
        read(this.#descriptor, bytes, done, bytes.length - done, position, (error, got) => {
          if (error) reject(error);
          else if (got === 0) reject(this.#shrunk());
          else next(done + got);
        });
      };
      next(0);
    });
  }

  #shrunk(): CheckpointError {
    return new CheckpointError({
      operation: 'read tensor',
      expected: 'the file to stay as it was when it was opened',
      received: 'a shorter one',
      remedy: 'do not write to a checkpoint while it is read',
      file: this.path,
    });
  }
}

function readHeader(descriptor: number, path: string): { header: SafetensorsHeader; dataStart: number } {
  const { size } = fstatSync(descriptor);
  const prefix = Buffer.alloc(8);
  const got = readSync(descriptor, prefix, 0, 8, 0);
  const length = got === 8 ? prefix.readBigUInt64LE(0) : 0n;
  if (got < 8 || length > BigInt(Math.min(size - 8, maxHeaderBytes))) {
    throw new CheckpointError({
      operation: 'read safetensors',
      expected: 'eight bytes with the length of the header, and that many bytes after them',
      received: got < 8 ? `a file of ${size} bytes` : `a header of ${length} bytes in a file of ${size}`,
      remedy: 'the file is damaged or not safetensors: fetch or write it again',
      file: path,
    });
  }
  const bytes = Buffer.alloc(Number(length));
  readSync(descriptor, bytes, 0, bytes.length, 8);
  const dataStart = 8 + bytes.length;
  return { header: parseHeader(bytes.toString('utf8'), size - dataStart, path), dataStart };
}

const views: { [D in Dtype]: new (buffer: ArrayBuffer) => TensorData } = {
  F64: Float64Array,
  F32: Float32Array,
  F16: Uint16Array,
  BF16: Uint16Array,
  I64: BigInt64Array,
  I32: Int32Array,
  I16: Int16Array,
  I8: Int8Array,
  U64: BigUint64Array,
  U32: Uint32Array,
  U16: Uint16Array,
  U8: Uint8Array,
  BOOL: Uint8Array,
};

function view(dtype: Dtype, buffer: ArrayBuffer): TensorData {
  return new views[dtype](buffer);
}

function toFloat32(dtype: Dtype, data: TensorData): Float32Array {
  if (data instanceof Float32Array) return data;
  if (dtype === 'F16') return halfToFloat(data as Uint16Array);
  if (dtype === 'BF16') return bfloatToFloat(data as Uint16Array);
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) return Float32Array.from(data, Number);
  return Float32Array.from(data);
}

/** How many bytes a tensor of this type and shape takes. */
export function tensorBytes(dtype: Dtype, shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, dtypeBytes[dtype]);
}
