import { closeSync, fstatSync, openSync, read, readSync } from 'node:fs';
import { CheckpointError, isWeftError } from '@weft/errors';
import { arrayOf, type Dtype, type TensorData, widenTail } from './dtype.js';
import { maxHeaderBytes, parseHeader, type SafetensorsHeader, type TensorInfo } from './header.js';

/** A tensor as it is stored; half types as their bits in a Uint16Array, BOOL as bytes. */
export interface StoredTensor {
  dtype: Dtype;
  shape: readonly number[];
  data: TensorData;
}

// One read call moves at most this much, so that several threads of the pool share the copying.
const CHUNK = 32 * 1024 * 1024;

/** Gives zeroed memory of this many bytes. */
export type Allocate = (bytes: number) => ArrayBuffer;

const newBuffer: Allocate = (bytes) => new ArrayBuffer(bytes);

/** One safetensors file, held open; tensors are read one by one, straight into arrays of their own. */
export class SafetensorsFile {
  readonly path: string;
  readonly metadata: Record<string, string>;
  #descriptor: number;
  #tensors: Map<string, TensorInfo>;
  #dataStart: number;
  #closed = false;

  /** @throws CheckpointError when the file cannot be read or is not whole, valid safetensors */
  constructor(path: string) {
    this.path = path;
    this.#descriptor = attempt(path, () => openSync(path, 'r'));
    try {
      const { header, dataStart } = attempt(path, () => readHeader(this.#descriptor, path));
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

  /** The tensor as float32, whatever it is stored in; the array is the caller's. */
  readFloat32(name: string): Float32Array {
    const { dtype, begin, end } = this.info(name);
    const { bytes, finish } = floatsFrom(dtype, end - begin);
    this.#fill(bytes, begin);
    return finish();
  }

  /**
   * Many tensors as float32 at once; the copying is shared by the threads of the file system pool.
   *
   * @param allocate where their memory comes from: a native backend prefers pages of its own choice
   */
  async readAllFloat32(
    names: readonly string[] = this.names(),
    allocate: Allocate = newBuffer,
  ): Promise<Map<string, Float32Array>> {
    const infos = names.map((name) => this.info(name));
    const arrays = await Promise.all(
      infos.map(async ({ dtype, begin, end }) => {
        const { bytes, finish } = floatsFrom(dtype, end - begin, allocate);
        const reads: Promise<void>[] = [];
        for (let at = 0; at < bytes.length; at += CHUNK) {
          reads.push(this.#fillLater(bytes.subarray(at, Math.min(at + CHUNK, bytes.length)), begin + at));
        }
        await Promise.all(reads);
        return finish();
      }),
    );
    return new Map(names.map((name, i) => [name, arrays[i]!]));
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
  for (let done = 0; done < bytes.length; ) {
    const count = readSync(descriptor, bytes, done, bytes.length - done, 8 + done);
    // The file has become shorter: zeros are no JSON.
    if (count === 0) break;
    done += count;
  }
  const dataStart = 8 + bytes.length;
  return { header: parseHeader(bytes, size - dataStart, path), dataStart };
}

/** What the system refuses (no such file, a folder, no permission) as an error that says so. */
function attempt<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (cause) {
    if (isWeftError(cause)) throw cause;
    throw new CheckpointError({
      operation: 'read safetensors',
      expected: `a file to read at ${path}`,
      received: (cause as Error).message,
      remedy: 'check the path and its permissions',
      file: path,
      cause,
    });
  }
}

function view(dtype: Dtype, buffer: ArrayBuffer): TensorData {
  return new arrayOf[dtype](buffer);
}

/** Room for the stored bytes of a tensor, and what makes float32 of them once they are there. */
function floatsFrom(
  dtype: Dtype,
  stored: number,
  allocate: Allocate = newBuffer,
): { bytes: Uint8Array; finish: () => Float32Array } {
  if (dtype === 'F16' || dtype === 'BF16') {
    // Halves are read into the back half of the result and widened from the front, in place.
    const buffer = allocate(stored * 2);
    return { bytes: new Uint8Array(buffer, stored), finish: () => widenTail(dtype, buffer) };
  }
  const buffer = allocate(stored);
  return { bytes: new Uint8Array(buffer), finish: () => toFloat32(view(dtype, buffer)) };
}

function toFloat32(data: TensorData): Float32Array {
  if (data instanceof Float32Array) return data;
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) return Float32Array.from(data, Number);
  return new Float32Array(data);
}
