import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { CheckpointError } from '@weft/errors';
import { writeFileAtomic, writeJsonAtomic } from './atomic.js';
import { type Dtype, dtypeBytes, floatToBfloat, floatToHalf } from './dtype.js';
import { type TensorData, tensorBytes } from './safetensors-file.js';

/** A tensor to write. Float32 data may be given for F16 and BF16 and is rounded then. */
export interface TensorToWrite {
  dtype: Dtype;
  shape: readonly number[];
  data: TensorData;
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
  // Wider elements first keeps every tensor aligned to its own element size.
  const entries = Object.entries(tensors).sort(([, a], [, b]) => dtypeBytes[b.dtype] - dtypeBytes[a.dtype]);
  const header: Record<string, unknown> = { __metadata__: metadata };
  let offset = 0;
  for (const [name, tensor] of entries) {
    checkSize(name, tensor, path);
    const end = offset + tensorBytes(tensor.dtype, tensor.shape);
    header[name] = { dtype: tensor.dtype, shape: tensor.shape, data_offsets: [offset, end] };
    offset = end;
  }
  const json = Buffer.from(JSON.stringify(header));
  const padded = Buffer.alloc(Math.ceil(json.length / 8) * 8, ' ');
  json.copy(padded);
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(BigInt(padded.length));
  await writeFileAtomic(path, async (file) => {
    await writeAll(file, prefix);
    await writeAll(file, padded);
    for (const [, tensor] of entries) await writeAll(file, bytesOf(tensor));
  });
}

export interface SaveWeightsOptions {
  /** Bytes after which a new shard begins. Default: 5 GB, as Python has it. */
  maxShardSize?: number;
  metadata?: Record<string, string>;
}

/**
 * Writes model.safetensors into a folder, or several shards with model.safetensors.index.json where the
 * tensors take more than `maxShardSize`. Gives the names of the files written.
 */
export async function saveWeights(
  folder: string,
  tensors: TensorsToWrite,
  { maxShardSize = 5e9, metadata = pytorchMetadata }: SaveWeightsOptions = {},
): Promise<string[]> {
  const shards = splitIntoShards(tensors, maxShardSize);
  if (shards.length === 1) {
    await writeSafetensors(join(folder, 'model.safetensors'), tensors, metadata);
    return ['model.safetensors'];
  }
  const count = String(shards.length).padStart(5, '0');
  const weightMap: Record<string, string> = {};
  const files: string[] = [];
  for (const [index, shard] of shards.entries()) {
    const file = `model-${String(index + 1).padStart(5, '0')}-of-${count}.safetensors`;
    await writeSafetensors(join(folder, file), shard, metadata);
    for (const name of Object.keys(shard)) weightMap[name] = file;
    files.push(file);
  }
  const total = Object.values(tensors).reduce((sum, { dtype, shape }) => sum + tensorBytes(dtype, shape), 0);
  await writeJsonAtomic(join(folder, 'model.safetensors.index.json'), {
    metadata: { total_size: total },
    weight_map: weightMap,
  });
  return [...files, 'model.safetensors.index.json'];
}

function splitIntoShards(tensors: TensorsToWrite, maxShardSize: number): TensorsToWrite[] {
  const shards: TensorsToWrite[] = [{}];
  let size = 0;
  for (const [name, tensor] of Object.entries(tensors)) {
    const bytes = tensorBytes(tensor.dtype, tensor.shape);
    if (size > 0 && size + bytes > maxShardSize) {
      shards.push({});
      size = 0;
    }
    shards.at(-1)![name] = tensor;
    size += bytes;
  }
  return shards;
}

function checkSize(name: string, { dtype, shape, data }: TensorToWrite, file: string): void {
  const elements = shape.reduce((product, size) => product * size, 1);
  if (data.length === elements) return;
  throw new CheckpointError({
    operation: 'write safetensors',
    expected: `${elements} elements for ${name}, ${dtype} [${shape.join(', ')}]`,
    received: String(data.length),
    remedy: 'pass the data of the whole tensor',
    file,
    keys: [name],
  });
}

function bytesOf({ dtype, data }: TensorToWrite): Uint8Array {
  const stored = data instanceof Float32Array && dtype !== 'F32' ? narrow(dtype, data) : data;
  return new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength);
}

function narrow(dtype: Dtype, data: Float32Array): TensorData {
  if (dtype === 'F16') return floatToHalf(data);
  if (dtype === 'BF16') return floatToBfloat(data);
  throw new CheckpointError({
    operation: 'write safetensors',
    expected: 'float32 data for F32, F16 or BF16',
    received: `float32 data for ${dtype}`,
    remedy: 'pass an array of the type itself',
  });
}

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    const { bytesWritten } = await file.write(bytes, done, Math.min(bytes.length - done, 0x20000000));
    done += bytesWritten;
  }
}
