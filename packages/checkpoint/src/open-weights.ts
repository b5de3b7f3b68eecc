import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { CheckpointError } from '@weft/errors';
import type { Dtype } from './dtype.js';
import { listFiles } from './fetch-files.js';
import { hubEnvironment } from './hub-cache.js';
import { type HubOptions, isLocalFolder, resolveModelFiles } from './resolve.js';
import { type Allocate, SafetensorsFile, type StoredTensor } from './safetensors-file.js';

export const single = 'model.safetensors';
export const index = 'model.safetensors.index.json';

/** The weights of a checkpoint, in one file or several shards; tensors are read when they are asked for. */
export class WeightsFile {
  readonly paths: readonly string[];
  #files: SafetensorsFile[];
  #home: Map<string, SafetensorsFile>;

  /** @param weightMap which shard each tensor is in, where there are several: names to positions in `paths` */
  constructor(paths: readonly string[], weightMap: ReadonlyMap<string, number> = new Map()) {
    this.paths = paths;
    this.#files = [];
    try {
      for (const path of paths) this.#files.push(new SafetensorsFile(path));
      this.#home = new Map(this.#files.flatMap((file) => file.names().map((name) => [name, file])));
      for (const [name, shard] of weightMap) this.#home.set(name, this.#files[shard]!);
      checkShards(this.#home);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** The metadata of the file, or of all shards together. */
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

  /** All tensors, or these, as float32, read side by side; `allocate` gives their memory. */
  async readAllFloat32(
    names: readonly string[] = this.names(),
    allocate?: Allocate,
  ): Promise<Map<string, Float32Array>> {
    const parts = await Promise.all(
      this.#files.map((file) => {
        const own = names.filter((name) => this.#fileOf(name) === file);
        return file.readAllFloat32(own, allocate);
      }),
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
 * @throws CheckpointError when there are none or they are damaged, DownloadError when the hub cannot give them
 * @example
 * ```ts
 * import { mkdtemp } from 'node:fs/promises';
 * import { tmpdir } from 'node:os';
 * import { join } from 'node:path';
 * import { openWeights, saveWeights } from '@weft/checkpoint';
 *
 * const folder = await mkdtemp(join(tmpdir(), 'weft-'));
 * await saveWeights(folder, { 'ln.bias': { dtype: 'BF16', shape: [2], data: new Float32Array([1, -2]) } });
 * using weights = await openWeights(folder);
 * console.assert(weights.info('ln.bias').dtype === 'BF16');
 * console.assert(weights.readFloat32('ln.bias')[1] === -2);
 * ```
 */
export async function openWeights(source: string, options: HubOptions = {}): Promise<WeightsFile> {
  if (source.endsWith('.safetensors') && !isFolder(source)) return new WeightsFile([source]);
  const found = await resolveModelFiles(source, { ...options, files: [], optionalFiles: [single, index] });
  if (found[single] !== undefined) return new WeightsFile([found[single]]);
  if (found[index] === undefined) throw noWeights(source, await hasPickle(source, options));
  const weightMap = readIndex(found[index]);
  const shards = [...new Set(weightMap.values())];
  const paths = await resolveModelFiles(source, { ...options, files: shards });
  return new WeightsFile(
    shards.map((shard) => paths[shard]!),
    new Map([...weightMap].map(([name, shard]) => [name, shards.indexOf(shard)])),
  );
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/** Reads which tensor is in which shard. */
function readIndex(path: string): Map<string, string> {
  let weightMap: unknown;
  try {
    weightMap = (JSON.parse(readFileSync(path, 'utf8')) as { weight_map?: unknown }).weight_map;
  } catch {
    weightMap = undefined;
  }
  const isMap = typeof weightMap === 'object' && weightMap !== null;
  const entries: [string, unknown][] = isMap ? Object.entries(weightMap as object) : [];
  const isShard = (name: unknown): boolean => typeof name === 'string' && /^[\w.-]+\.safetensors$/.test(name);
  if (entries.length > 0 && entries.every(([, shard]) => isShard(shard))) {
    return new Map(entries as [string, string][]);
  }
  throw new CheckpointError({
    operation: 'open weights',
    expected: 'an index with a weight_map from tensors to safetensors files beside it',
    received: 'another form',
    remedy: 'fetch or write the checkpoint again',
    file: path,
  });
}

function checkShards(home: ReadonlyMap<string, SafetensorsFile>): void {
  const astray = [...home].filter(([name, file]) => !file.has(name));
  if (astray.length === 0) return;
  const [name, file] = astray[0]!;
  throw new CheckpointError({
    operation: 'open weights',
    expected: `${name} in ${file.path}, as the index says`,
    received: `a file without it${astray.length > 1 ? `, and ${astray.length - 1} more such` : ''}`,
    remedy: 'the shards are not of one checkpoint: fetch or write it again',
    file: file.path,
    keys: astray.map(([key]) => key),
  });
}

export const pickle = 'pytorch_model.bin';

/** Whether what should be safetensors is there as a pickle, to say so. */
async function hasPickle(source: string, options: HubOptions): Promise<boolean> {
  if (isLocalFolder(source)) return existsSync(join(source, pickle));
  if (options.localFilesOnly || hubEnvironment.offline()) return false;
  const token = options.token ?? hubEnvironment.token();
  const { infos } = await listFiles(source, options.revision ?? 'main', [pickle], token, options.signal);
  return infos.has(pickle);
}

export function noWeights(source: string, isPickled: boolean): CheckpointError {
  return new CheckpointError({
    operation: 'open weights',
    expected: `${single} or ${index} in ${source}`,
    received: isPickled ? `${pickle}, a pickle, which can run code when it is read` : 'neither',
    remedy: 'save the model with safetensors (in Python: model.save_pretrained(folder))',
    file: source,
  });
}
