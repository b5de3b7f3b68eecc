import type { FileHandle } from 'node:fs/promises';
import { CheckpointError } from '@weft/errors';
import { writeFileAtomic } from './atomic.js';
import {
  arrayOf,
  type Dtype,
  dtypeBytes,
  floatToBfloat,
  floatToHalf,
  isDtype,
  type TensorData,
  tensorBytes,
} from './dtype.js';

/** A tensor to write. Float32 data may be given for F16 and BF16 and is rounded then. */
export interface TensorToWrite {
  dtype: Dtype;
  shape: readonly number[];
  /** The values, or what gives them when their turn comes, so that one tensor at a time is in memory. */
  data: TensorData | (() => TensorData);
}

export type TensorsToWrite = Record<string, TensorToWrite>;

/** What Python's transformers wants to see in a file of PyTorch weights. */
export const pytorchMetadata = { format: 'pt' } as const;

/**
 * Writes one safetensors file, atomically. Tensors are written one after the other, none is copied whole.
 *
 * @throws CheckpointError when a tensor's data does not fill its shape
 * @example
 * ```ts
 * import { mkdtemp } from 'node:fs/promises';
 * import { tmpdir } from 'node:os';
 * import { join } from 'node:path';
 * import { SafetensorsFile, writeSafetensors } from '@weft/checkpoint';
 *
 * const path = join(await mkdtemp(join(tmpdir(), 'weft-')), 'model.safetensors');
 * await writeSafetensors(path, { bias: { dtype: 'F32', shape: [2], data: new Float32Array([1, 2]) } });
 * using file = new SafetensorsFile(path);
 * console.assert(file.readFloat32('bias')[1] === 2);
 * ```
 */
export async function writeSafetensors(
  path: string,
  tensors: TensorsToWrite,
  metadata: Record<string, string> = pytorchMetadata,
): Promise<void> {
  const plan = planFile(path, tensors, metadata);
  await writeFileAtomic(path, (file) => writePlanned(file, plan));
}

interface PlannedFile {
  path: string;
  head: Buffer;
  entries: [name: string, tensor: TensorToWrite][];
}

/** Checks the tensors and lays them out. */
function planFile(path: string, tensors: TensorsToWrite, metadata: Record<string, string>): PlannedFile {
  for (const [name, tensor] of Object.entries(tensors)) {
    checkTensor(name, tensor, path);
    if (typeof tensor.data !== 'function') checkData(name, tensor, tensor.data, path);
  }
  // Wider elements first keeps every tensor aligned to its own element size.
  const entries = Object.entries(tensors).sort(([, a], [, b]) => dtypeBytes[b.dtype] - dtypeBytes[a.dtype]);
  const header: [string, unknown][] = [['__metadata__', metadata]];
  let offset = 0;
  for (const [name, { dtype, shape }] of entries) {
    const end = offset + tensorBytes(dtype, shape);
    header.push([name, { dtype, shape, data_offsets: [offset, end] }]);
    offset = end;
  }
  const json = Buffer.from(JSON.stringify(Object.fromEntries(header)));
  const head = Buffer.alloc(8 + Math.ceil(json.length / 8) * 8, ' ');
  head.writeBigUInt64LE(BigInt(head.length - 8));
  json.copy(head, 8);
  return { head, path, entries };
}

async function writePlanned(file: FileHandle, { path, head, entries }: PlannedFile): Promise<void> {
  await writeAll(file, head);
  for (const [name, tensor] of entries) {
    let { data } = tensor;
    if (typeof data === 'function') {
      data = data();
      checkData(name, tensor, data, path);
    }
    for (const piece of piecesOf(tensor.dtype, data)) await writeAll(file, piece);
  }
}

function checkTensor(name: string, { dtype, shape }: TensorToWrite, file: string): void {
  if (name === '__metadata__') {
    throw unwritable(name, file, 'names of tensors', name, 'metadata is an argument of its own');
  }
  if (!isDtype(dtype)) {
    const expected = `a dtype of ${Object.keys(dtypeBytes).join(', ')} for ${name}`;
    throw unwritable(name, file, expected, String(dtype), 'choose one of these');
  }
  if (!shape.every((size) => Number.isSafeInteger(size) && size >= 0)) {
    const expected = `a shape of whole numbers for ${name}`;
    throw unwritable(name, file, expected, `[${shape.join(', ')}]`, 'pass the sizes of all axes');
  }
}

function checkData(name: string, { dtype, shape }: TensorToWrite, data: TensorData, file: string): void {
  const elements = shape.reduce((product, size) => product * size, 1);
  if (data.length !== elements) {
    const expected = `${elements} elements for ${name}, ${dtype} [${shape.join(', ')}]`;
    throw unwritable(name, file, expected, String(data.length), 'pass the data of the whole tensor');
  }
  const isRounded = data instanceof Float32Array && (dtype === 'F16' || dtype === 'BF16');
  if (!isRounded && !(data instanceof arrayOf[dtype])) {
    const half = dtype === 'F16' || dtype === 'BF16' ? ' or Float32Array' : '';
    const expected = `${arrayOf[dtype].name}${half} for ${name}, ${dtype}`;
    throw unwritable(name, file, expected, data.constructor.name, 'convert the data');
  }
}

function unwritable(
  name: string,
  file: string,
  expected: string,
  received: string,
  remedy: string,
): CheckpointError {
  return new CheckpointError({
    operation: 'write safetensors',
    expected,
    received,
    remedy,
    file,
    keys: [name],
  });
}

// Rounding to half types goes piece by piece, so that no second copy of a tensor comes about.
const PIECE = 1 << 20;

function* piecesOf(dtype: Dtype, data: TensorData): Generator<Uint8Array> {
  if (!(data instanceof Float32Array) || dtype === 'F32') {
    yield new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    return;
  }
  const narrow = dtype === 'F16' ? floatToHalf : floatToBfloat;
  for (let at = 0; at < data.length; at += PIECE) {
    const { buffer } = narrow(data.subarray(at, at + PIECE));
    yield new Uint8Array(buffer);
  }
}

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    const { bytesWritten } = await file.write(bytes, done, Math.min(bytes.length - done, 0x20000000));
    done += bytesWritten;
  }
}
