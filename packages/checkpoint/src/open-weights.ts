import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CheckpointError } from '@weft/errors';
import type { Dtype } from './dtype.js';
import { type HubOptions, isLocalFolder, resolveModelFiles } from './resolve.js';
import { SafetensorsFile, type StoredTensor } from './safetensors-file.js';

const single = 'model.safetensors';
const index = 'model.safetensors.index.json';

/** The weights of a checkpoint, in one file or several shards; tensors are read when they are asked for. */
export class WeightsFile {
  readonly paths: readonly string[];
  #files: SafetensorsFile[];
  #home: Map<string, SafetensorsFile>;

  constructor(paths: readonly string[]) {
    this.paths = paths;
    this.#files = [];
    try {
      for (const path of paths) this.#files.push(new SafetensorsFile(path));
    } catch (error) {
      this.close();
      throw error;
    }
    this.#home = new Map(this.#files.flatMap((file) => file.names().map((name) => [name, file])));
  }

  get metadata(): Record<string, string> {
    return Object.assign({}, ...this.#files.map(({ metadata }) => metadata)) as Record<string, string>;
  }

  names(): string[] {
    return [...this.#home.keys()];
  }

  has(name: string): boolean {
    return this.#home.has(name);
  }

  info(name: string): { dtype: Dtype; shape: readonly number[] } {
    return this.#fileOf(name).info(name);
  }

  /** The tensor as float32, whatever it is stored in; the array is the caller's. */
  readFloat32(name: string): Float32Array {
    return this.#fileOf(name).readFloat32(name);
  }

  /** The tensor as it is stored. */
  readRaw(name: string): StoredTensor {
    return this.#fileOf(name).readRaw(name);
  }

  /** All tensors, or these, as float32, read side by side. */
  async readAllFloat32(names: readonly string[] = this.names()): Promise<Map<string, Float32Array>> {
    const parts = await Promise.all(
      this.#files.map((file) => file.readAllFloat32(names.filter((name) => this.#fileOf(name) === file))),
    );
    return new Map(parts.flatMap((part) => [...part]));
  }

  close(): void {
    for (const file of this.#files) file.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #fileOf(name: string): SafetensorsFile {
    const file = this.#home.get(name);
    if (file) return file;
    throw new CheckpointError({
      operation: 'read tensor',
      expected: `one of the ${this.#home.size} tensors of the checkpoint`,
      received: name,
      remedy: 'names() lists them',
      keys: [name],
    });
  }
}

/**
 * Opens the weights of a model: model.safetensors or its shards in a folder or on the hub, or a single
 * safetensors file.
 *
 * @throws CheckpointError, DownloadError
 */
export async function openWeights(source: string, options: HubOptions = {}): Promise<WeightsFile> {
  if (source.endsWith('.safetensors') && !isLocalFolder(source)) return new WeightsFile([source]);
  const found = await resolveModelFiles(source, { ...options, files: [], optionalFiles: [single, index] });
  if (found[single] !== undefined) return new WeightsFile([found[single]]);
  if (found[index] !== undefined) {
    const shards = readIndex(found[index]);
    const paths = await resolveModelFiles(source, { ...options, files: shards });
    return new WeightsFile(shards.map((shard) => paths[shard]!));
  }
  throw noWeights(source);
}

function readIndex(path: string): string[] {
  let weightMap: unknown;
  try {
    weightMap = (JSON.parse(readFileSync(path, 'utf8')) as { weight_map?: unknown }).weight_map;
  } catch {
    weightMap = undefined;
  }
  const isMap = typeof weightMap === 'object' && weightMap !== null;
  const shards = isMap ? [...new Set(Object.values(weightMap as object) as unknown[])] : [];
  const areNames = shards.every((shard) => typeof shard === 'string' && /^[\w.-]+\.safetensors$/.test(shard));
  if (shards.length > 0 && areNames) return shards as string[];
  throw new CheckpointError({
    operation: 'open weights',
    expected: 'an index with a weight_map from tensors to safetensors files beside it',
    received: 'another form',
    remedy: 'fetch or write the checkpoint again',
    file: path,
  });
}

function noWeights(source: string): CheckpointError {
  const isPickle = isLocalFolder(source) && existsSync(join(source, 'pytorch_model.bin'));
  return new CheckpointError({
    operation: 'open weights',
    expected: `${single} or ${index} in ${source}`,
    received: isPickle ? 'pytorch_model.bin, a pickle, which can run code when it is read' : 'neither',
    remedy: 'save the model with safetensors (in Python: model.save_pretrained(folder))',
    file: source,
  });
}
