import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { CheckpointError } from '@weft/errors';
import { syncFolder, writeJsonAtomic } from './atomic.js';
import { tensorBytes } from './dtype.js';
import { isAlive } from './processes.js';
import { pytorchMetadata, type TensorsToWrite, writeSafetensors } from './write-safetensors.js';

const single = 'model.safetensors';
const index = 'model.safetensors.index.json';

export interface SaveWeightsOptions {
  /** Bytes after which a new shard begins. Default: 5 GB, as Python has it. */
  maxShardSize?: number;
  metadata?: Record<string, string>;
}

/**
 * Writes model.safetensors into a folder, or several shards with model.safetensors.index.json where the
 * tensors take more than `maxShardSize`, and takes away weights that an earlier save left there. Gives the names
 * of the files written. Cut off at any moment, the folder holds the old weights, the new ones or (between shards)
 * none, but never some of each.
 *
 * @throws CheckpointError when a tensor's data does not fill its shape or is not of its type
 * @example
 * ```ts
 * import { mkdtemp } from 'node:fs/promises';
 * import { tmpdir } from 'node:os';
 * import { join } from 'node:path';
 * import { saveWeights } from '@weft/checkpoint';
 *
 * const folder = await mkdtemp(join(tmpdir(), 'weft-'));
 * const tensor = { dtype: 'F32', shape: [4], data: new Float32Array(4) } as const;
 * const files = await saveWeights(folder, { first: tensor, second: tensor }, { maxShardSize: 16 });
 * console.assert(files.join() === 'model-00001-of-00002.safetensors,model-00002-of-00002.safetensors,model.safetensors.index.json');
 * ```
 */
export async function saveWeights(
  folder: string,
  tensors: TensorsToWrite,
  { maxShardSize = 5e9, metadata = pytorchMetadata }: SaveWeightsOptions = {},
): Promise<string[]> {
  if (!(maxShardSize > 0)) throw badShardSize(maxShardSize);
  await mkdir(folder, { recursive: true });
  const shards = splitIntoShards(tensors, maxShardSize);
  const written = shards.length === 1 ? [single] : await writeShards(folder, shards, metadata);
  if (shards.length === 1) await writeSafetensors(join(folder, single), tensors, metadata);
  for (const name of await readdir(folder)) {
    const isWeights = name === index || /^model(-\d{5}-of-\d{5})?\.safetensors$/.test(name);
    if ((isWeights && !written.includes(name)) || isAbandoned(name)) {
      await rm(join(folder, name), { force: true });
    }
  }
  return written;
}

/** What a save that was killed left behind under a temporary name. */
function isAbandoned(name: string): boolean {
  const [, pid] = /^model[\d.of-]*\.safetensors(?:\.index\.json)?\.(\d+)\..*\.tmp$/.exec(name) ?? [];
  return pid !== undefined && !isAlive(Number(pid));
}

/** All shards are whole under other names before the old index goes and the first gets its own. */
async function writeShards(
  folder: string,
  shards: TensorsToWrite[],
  metadata: Record<string, string>,
): Promise<string[]> {
  const count = String(shards.length).padStart(5, '0');
  const names = shards.map((_, i) => `model-${String(i + 1).padStart(5, '0')}-of-${count}.safetensors`);
  const suffix = `${process.pid}.${randomBytes(4).toString('hex')}.tmp`;
  try {
    for (const [i, shard] of shards.entries()) {
      await writeSafetensors(join(folder, `${names[i]}.${suffix}`), shard, metadata);
    }
    await rm(join(folder, index), { force: true });
    await syncFolder(folder);
    for (const name of names) await rename(join(folder, `${name}.${suffix}`), join(folder, name));
    await syncFolder(folder);
  } catch (error) {
    for (const name of names) await rm(join(folder, `${name}.${suffix}`), { force: true });
    throw error;
  }
  const weightMap = shards.flatMap((shard, i) => Object.keys(shard).map((name) => [name, names[i]] as const));
  const sizes = shards.flatMap((shard) =>
    Object.values(shard).map(({ dtype, shape }) => tensorBytes(dtype, shape)),
  );
  await writeJsonAtomic(join(folder, index), {
    metadata: { total_size: sizes.reduce((sum, size) => sum + size, 0) },
    weight_map: Object.fromEntries(weightMap),
  });
  return [...names, index];
}

function splitIntoShards(tensors: TensorsToWrite, maxShardSize: number): TensorsToWrite[] {
  const shards: [string, TensorsToWrite[string]][][] = [[]];
  let size = 0;
  for (const entry of Object.entries(tensors)) {
    const bytes = tensorBytes(entry[1].dtype, entry[1].shape);
    if (size > 0 && size + bytes > maxShardSize) {
      shards.push([]);
      size = 0;
    }
    shards.at(-1)!.push(entry);
    size += bytes;
  }
  return shards.map((shard) => Object.fromEntries(shard));
}

function badShardSize(received: number): CheckpointError {
  return new CheckpointError({
    operation: 'save weights',
    expected: 'a maxShardSize above zero, in bytes',
    received: String(received),
    remedy: 'leave it out for 5 GB',
  });
}
