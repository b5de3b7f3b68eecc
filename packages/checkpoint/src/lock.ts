import { createHash, type Hash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CheckpointError } from '@weft/errors';
import { z } from 'zod';
import { writeJsonAtomic } from './atomic.js';
import { parseConfig, readJson } from './config.js';
import { filesIn } from './model-files.js';
import { checkName } from './resolve.js';

/** The name of the lock file in a copy of a model. */
export const lockFileName = 'weft.lock.json';

const lockSchema = z.object({
  lockfileVersion: z.literal(1),
  id: z.string(),
  revision: z.string(),
  commit: z.string().regex(/^[0-9a-f]{40}$/),
  files: z.record(
    z.string(),
    z.object({ size: z.number().int().nonnegative(), sha256: z.string().regex(/^[0-9a-f]{64}$/) }),
  ),
});

/** What a copy of a model holds, to the byte: from where, at which commit, every file's size and sha256. */
export type ModelLock = z.infer<typeof lockSchema>;

/** One file of a copy against its lock. */
export interface FileCheck {
  path: string;
  /** `unlisted`: in the folder, but not in the lock. */
  state: 'ok' | 'missing' | 'changed' | 'unlisted';
  /** What differs, in words, where something does. */
  reason?: string;
}

export interface ModelCheck {
  lock: ModelLock;
  /** True when every file is there as locked, and no other. */
  isIntact: boolean;
  files: FileCheck[];
}

export interface VerifyOptions {
  /** A lock file kept elsewhere, out of reach of whoever could change the folder. Default: the folder's own. */
  lockFile?: string;
  signal?: AbortSignal;
  /** Bytes read so far, of all that the lock lists. */
  onProgress?: (progress: { file: string; loaded: number; total: number }) => void;
}

/**
 * Compares a copy of a model with its lock file: every file's size and sha256, and that there is no other file.
 * Reads in pieces, asks no network.
 *
 * @throws CheckpointError when there is no lock file, ConfigError when it is damaged
 * @example
 * ```ts
 * import { mkdtemp, writeFile } from 'node:fs/promises';
 * import { tmpdir } from 'node:os';
 * import { join } from 'node:path';
 * import { lockModel, verifyModel } from '@weft/checkpoint';
 *
 * const folder = await mkdtemp(join(tmpdir(), 'weft-'));
 * await writeFile(join(folder, 'config.json'), '{}');
 * await lockModel(folder, { id: 'me/mine', revision: 'main', commit: 'a'.repeat(40) }, ['config.json']);
 * console.assert((await verifyModel(folder)).isIntact);
 * await writeFile(join(folder, 'config.json'), '[]');
 * console.assert((await verifyModel(folder)).files[0]!.state === 'changed');
 * ```
 */
export async function verifyModel(
  folder: string,
  { lockFile = join(folder, lockFileName), signal, onProgress }: VerifyOptions = {},
): Promise<ModelCheck> {
  const lock = await readLock(lockFile);
  const paths = Object.keys(lock.files);
  const total = paths.reduce((sum, path) => sum + lock.files[path]!.size, 0);
  let before = 0;
  const files: FileCheck[] = [];
  for (const path of paths) {
    const start = before;
    const tell = (loaded: number): void => onProgress?.({ file: path, loaded: start + loaded, total });
    files.push(await checkFile(join(folder, path), path, lock.files[path]!, tell, signal));
    before += lock.files[path]!.size;
    tell(lock.files[path]!.size);
  }
  for (const path of await filesIn(folder)) {
    if (path === lockFileName || Object.hasOwn(lock.files, path)) continue;
    files.push({ path, state: 'unlisted', reason: 'not in the lock' });
  }
  return { lock, isIntact: files.every(({ state }) => state === 'ok'), files };
}

async function checkFile(
  file: string,
  path: string,
  wanted: ModelLock['files'][string],
  tell: (loaded: number) => void,
  signal: AbortSignal | undefined,
): Promise<FileCheck> {
  const size = await stat(file).then(
    (stats) => (stats.isFile() ? stats.size : undefined),
    () => undefined,
  );
  if (size === undefined) return { path, state: 'missing', reason: 'no such file' };
  if (size !== wanted.size) {
    return { path, state: 'changed', reason: `${size} bytes instead of ${wanted.size}` };
  }
  const sha256 = await hashFile(file, createHash('sha256'), signal, tell);
  if (sha256 === wanted.sha256) return { path, state: 'ok' };
  return { path, state: 'changed', reason: `sha256 ${sha256} instead of ${wanted.sha256}` };
}

/** Hashes a file piece by piece. */
export async function hashFile(
  path: string,
  hash: Hash,
  signal?: AbortSignal,
  tell?: (loaded: number) => void,
): Promise<string> {
  let loaded = 0;
  const stream = createReadStream(path, { highWaterMark: 1 << 20, ...(signal ? { signal } : {}) });
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    hash.update(chunk);
    loaded += chunk.length;
    tell?.(loaded);
  }
  return hash.digest('hex');
}

/**
 * Reads a lock file; its names cannot lead out of the folder.
 *
 * @throws CheckpointError when there is none, ConfigError when it is damaged, InputError for a name that leads out
 */
export async function readLock(file: string): Promise<ModelLock> {
  if (!existsSync(file)) {
    throw new CheckpointError({
      operation: 'verify model',
      expected: `a lock file ${file}`,
      received: 'no such file',
      remedy: 'weft download <id> --output-dir <folder> writes one with its copy',
      file,
    });
  }
  const lock = parseConfig(await readJson(file), lockSchema, file);
  for (const path of Object.keys(lock.files)) checkName(path);
  return lock;
}

/** Writes the lock file of a folder over these of its files; hashes that are known need no reading. */
export async function lockModel(
  folder: string,
  { id, revision, commit }: Pick<ModelLock, 'id' | 'revision' | 'commit'>,
  paths: readonly string[],
  known: ReadonlyMap<string, string> = new Map(),
  signal?: AbortSignal,
): Promise<ModelLock> {
  const files: ModelLock['files'] = {};
  for (const path of [...paths].sort()) {
    const file = join(folder, path);
    const { size } = await stat(file);
    files[path] = {
      size,
      sha256: known.get(path) ?? (await hashFile(file, createHash('sha256'), signal)),
    };
  }
  const lock: ModelLock = { lockfileVersion: 1, id, revision, commit, files };
  await writeJsonAtomic(join(folder, lockFileName), lock);
  return lock;
}
