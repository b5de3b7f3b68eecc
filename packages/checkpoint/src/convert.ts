import { existsSync } from 'node:fs';
import { copyFile, mkdir, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { CheckpointError, InputError } from '@weft/errors';
import { writeJsonAtomic } from './atomic.js';
import { readJson } from './config.js';
import { downloadModel, type ModelDownloadProgress } from './download-model.js';
import { type Dtype, tensorBytes } from './dtype.js';
import { hubEnvironment } from './hub-cache.js';
import { lockFileName } from './lock.js';
import { filesIn, filesOfModel, isWeights } from './model-files.js';
import { openWeights, type WeightsFile } from './open-weights.js';
import { type HubOptions, isLocalFolder, resolveModelFiles } from './resolve.js';
import { saveWeights } from './save-weights.js';
import type { TensorToWrite } from './write-safetensors.js';

const dtypes = { float32: 'F32', float16: 'F16', bfloat16: 'BF16' } as const;

/** Precisions of floating-point weights, in PyTorch's names. */
export type Precision = keyof typeof dtypes;

export interface ConvertOptions extends Omit<HubOptions, 'onProgress'> {
  outputDir: string;
  /** What floating-point weights are rounded to; whole numbers stay. Default: as they are. */
  dtype?: Precision;
  /** Bytes after which a new shard begins. Default: 5 GB, as Python has it. */
  maxShardSize?: number;
  /** Told after each tensor: bytes written so far. */
  onTensor?: (progress: { name: string; loaded: number; total: number }) => void;
  /** Told while a model of the hub is fetched. */
  onProgress?: (progress: ModelDownloadProgress) => void;
}

export interface ConvertedCheckpoint {
  folder: string;
  /** Names of the files with weights, the index of shards included. */
  weights: string[];
  /** Other files, as they came; config.json with the new dtype. */
  copied: string[];
  tensors: number;
  /** Tensors whose type changed. */
  converted: number;
  bytes: { before: number; after: number };
}

/**
 * Writes a checkpoint again in another precision, in other shards, or both, with its configuration and tokenizer:
 * what Python loads. One tensor at a time is in memory. float32 to half precision rounds to nearest even, as
 * PyTorch does; half to float32 is exact.
 *
 * @throws CheckpointError when a value does not fit into float16 (nothing is left behind then), InputError when
 * the output is the source
 * @example
 * ```ts
 * import { mkdtemp, writeFile } from 'node:fs/promises';
 * import { tmpdir } from 'node:os';
 * import { join } from 'node:path';
 * import { convertCheckpoint, openWeights, saveWeights } from '@weft/checkpoint';
 *
 * const folder = await mkdtemp(join(tmpdir(), 'weft-'));
 * await saveWeights(folder, { 'ln.bias': { dtype: 'F32', shape: [2], data: new Float32Array([0.1, 2]) } });
 * await writeFile(join(folder, 'config.json'), '{}');
 * const { bytes } = await convertCheckpoint(folder, { outputDir: join(folder, 'half'), dtype: 'bfloat16' });
 * console.assert(bytes.before === 8 && bytes.after === 4);
 * using half = await openWeights(join(folder, 'half'));
 * console.assert(half.readFloat32('ln.bias')[0] === 0.10009765625);
 * ```
 */
export async function convertCheckpoint(
  source: string,
  { outputDir, dtype, maxShardSize, onTensor, ...hub }: ConvertOptions,
): Promise<ConvertedCheckpoint> {
  const folder = resolve(outputDir);
  const from = await sourceFolder(source, hub);
  await checkApart(from, folder);
  using weights = await openWeights(from);
  const target = dtype === undefined ? undefined : dtypes[dtype];
  const bytes = { before: 0, after: 0 };
  const tensors = new Map<string, TensorToWrite>();
  let converted = 0;
  for (const name of weights.names()) {
    const info = weights.info(name);
    const to = target !== undefined && isFloating(info.dtype) ? target : info.dtype;
    bytes.before += tensorBytes(info.dtype, info.shape);
    bytes.after += tensorBytes(to, info.shape);
    if (to !== info.dtype) converted++;
    tensors.set(name, { dtype: to, shape: info.shape, data: () => read(weights, name, info.dtype, to) });
  }
  const written = await saveWeights(folder, Object.fromEntries(watched(tensors, bytes.after, onTensor)), {
    ...(maxShardSize === undefined ? {} : { maxShardSize }),
  });
  const copied = await copyRest(from, folder, dtype);
  return { folder, weights: written, copied, tensors: tensors.size, converted, bytes };
}

function isFloating(dtype: Dtype): boolean {
  return dtype === 'F64' || dtype === 'F32' || dtype === 'F16' || dtype === 'BF16';
}

function read(weights: WeightsFile, name: string, from: Dtype, to: Dtype): ReturnType<typeof rawData> {
  if (from === to) return rawData(weights, name);
  const values = weights.readFloat32(name);
  if (to === 'F16') checkRange(name, values);
  return values;
}

const rawData = (weights: WeightsFile, name: string) => weights.readRaw(name).data;

/** Values from here on round to infinity in float16. */
const TOO_LARGE = 65520;

function checkRange(name: string, values: Float32Array): void {
  let worst = 0;
  for (let i = 0; i < values.length; i++) {
    const size = Math.abs(values[i]!);
    if (size > worst && size !== Number.POSITIVE_INFINITY) worst = size;
  }
  if (worst < TOO_LARGE) return;
  throw new CheckpointError({
    operation: 'convert checkpoint',
    expected: `values of ${name} that float16 can hold, up to 65504`,
    received: `one of size ${worst}`,
    remedy: 'convert to bfloat16, which has the range of float32',
    keys: [name],
  });
}

/** The same tensors, telling of each when it is asked for. */
function* watched(
  tensors: ReadonlyMap<string, TensorToWrite>,
  total: number,
  onTensor: ConvertOptions['onTensor'],
): Generator<[string, TensorToWrite]> {
  let loaded = 0;
  for (const [name, tensor] of tensors) {
    const data = tensor.data as () => ReturnType<typeof rawData>;
    yield [
      name,
      {
        ...tensor,
        data: () => {
          loaded += tensorBytes(tensor.dtype, tensor.shape);
          onTensor?.({ name, loaded, total });
          return data();
        },
      },
    ];
  }
}

/** The folder with all files of a model: the given one, or the snapshot in the cache. */
async function sourceFolder(
  source: string,
  { localFilesOnly, onProgress, ...hub }: Omit<HubOptions, 'onProgress'> & Pick<ConvertOptions, 'onProgress'>,
): Promise<string> {
  if (isLocalFolder(source)) return source;
  if (localFilesOnly || hubEnvironment.offline()) {
    const options = { ...hub, localFilesOnly: true, files: ['config.json'] };
    return dirname((await resolveModelFiles(source, options))['config.json']!);
  }
  return (await downloadModel(source, { ...hub, ...(onProgress ? { onProgress } : {}) })).folder;
}

async function checkApart(from: string, folder: string): Promise<void> {
  const stats = await stat(folder).catch(() => undefined);
  const isSame = stats?.isDirectory() && (await realpath(from)) === (await realpath(folder));
  if (!isSame && (!stats || stats.isDirectory())) return;
  throw new InputError({
    operation: 'convert checkpoint',
    expected: 'a folder for the result that is not the source',
    received: isSame ? `the source, ${folder}` : `${folder}, a file`,
    remedy: 'name another output folder',
  });
}

async function copyRest(from: string, folder: string, dtype: Precision | undefined): Promise<string[]> {
  const rest = filesOfModel(await filesIn(from)).filter((path) => !isWeights(path) && path !== lockFileName);
  // The result may stand in a folder within the source: it is not copied into itself.
  const inside = relative(resolve(from), resolve(folder)).split(sep).join('/');
  const copied = rest.filter((path) => !path.startsWith(`${inside}/`));
  for (const path of copied) {
    if (path === 'config.json') await writeConfig(join(from, path), join(folder, path), dtype);
    else await copyWhole(join(from, path), join(folder, path));
  }
  // A lock of what stood here before holds no more.
  await rm(join(folder, lockFileName), { force: true });
  return copied;
}

/** transformers reads `dtype`, and `torch_dtype` in files of before 4.56. */
async function writeConfig(from: string, to: string, dtype: Precision | undefined): Promise<void> {
  const config = (await readJson(from)) as Record<string, unknown>;
  if (dtype === undefined) return writeJsonAtomic(to, config);
  const key = Object.hasOwn(config, 'dtype') ? 'dtype' : 'torch_dtype';
  return writeJsonAtomic(to, { ...config, [key]: dtype });
}

async function copyWhole(from: string, to: string): Promise<void> {
  if (existsSync(to) && (await realpath(from)) === (await realpath(to))) return;
  await mkdir(dirname(to), { recursive: true });
  const temporary = `${to}.${process.pid}.tmp`;
  await copyFile(from, temporary);
  await rename(temporary, to);
}
