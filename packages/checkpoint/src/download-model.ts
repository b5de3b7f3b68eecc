import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { DownloadError, InputError } from '@weft/errors';
import type { DownloadProgress, DownloadRequest } from './download.js';
import { fetchFile, type HubFile, listAllFiles, requestFor } from './fetch-files.js';
import { CachedModel, hubEnvironment } from './hub-cache.js';
import { isUnreachable } from './hub-fetch.js';
import { hashFile, lockFileName, lockModel, type ModelLock, readLock } from './lock.js';
import { filesOfModel, isPickle, isWeights } from './model-files.js';
import { noWeights, pickle } from './open-weights.js';
import { seedPartial } from './partial-file.js';
import { checkId, checkName, checkRevision, type HubOptions, unreachable } from './resolve.js';
import { downloadShared } from './shared-download.js';

export interface ModelDownloadProgress {
  file: string;
  /** Bytes of the whole model that are here: those of earlier tries and of the cache included. */
  loaded: number;
  total: number;
  /** Bytes that came over the network in this call, for a rate. */
  fetched: number;
}

export interface DownloadModelOptions extends Omit<HubOptions, 'localFilesOnly' | 'onProgress'> {
  /** A folder for a copy of its own, with a lock file; by default the model goes to the cache. */
  outputDir?: string;
  /** Every file but pickles, instead of those that a model is read from. */
  all?: boolean;
  onProgress?: (progress: ModelDownloadProgress) => void;
}

export interface DownloadedModel {
  id: string;
  revision: string;
  commit: string;
  /** Where the files are: the copy, or the snapshot in the cache. */
  folder: string;
  files: { path: string; size: number }[];
  /** Files of the model that were not fetched. */
  left: string[];
  /** Bytes that came over the network in this call. */
  fetched: number;
  /** What was written to weft.lock.json, for a copy. */
  lock?: ModelLock;
}

/**
 * Fetches a whole model from the hub: into the cache that Python shares, or as a copy in a folder of its own with
 * a lock file (`weft.lock.json`: every file's size and sha256), to carry to machines without a network. What is
 * here already is kept; what broke off is gone on with; size and hash are checked before a file gets its name.
 *
 * @throws DownloadError when the hub cannot give it, CheckpointError when the weights are there as a pickle alone,
 * InputError when the id is none or the folder holds something else
 */
export async function downloadModel(
  id: string,
  options: DownloadModelOptions = {},
): Promise<DownloadedModel> {
  checkId(id);
  const revision = options.revision ?? 'main';
  checkRevision(revision);
  if (hubEnvironment.offline()) throw offline(id);
  const token = options.token ?? hubEnvironment.token();
  try {
    const { commit, files } = await listAllFiles(id, revision, token, options.signal);
    const wanted = chooseFiles(id, files, options.all ?? false);
    const requests = wanted.map((file) => requestFor(id, commit, file, token));
    const model = new CachedModel(options.cacheDir ?? hubEnvironment.cacheDir(), id);
    const fetch = options.outputDir === undefined ? fetchToCache : fetchToFolder;
    const { folder, fetched, lock } = await fetch(model, { id, revision, commit, requests }, options);
    return {
      ...{ id, revision, commit, folder, fetched },
      files: requests.map(({ file, size }) => ({ path: file, size })),
      left: files.map(({ path }) => path).filter((path) => !wanted.some((file) => file.path === path)),
      ...(lock ? { lock } : {}),
    };
  } catch (error) {
    throw isUnreachable(error) ? unreachable(id, error) : error;
  }
}

interface Wanted {
  id: string;
  revision: string;
  commit: string;
  requests: Omit<DownloadRequest, 'target'>[];
}

interface Fetched {
  folder: string;
  fetched: number;
  lock?: ModelLock;
}

function chooseFiles(id: string, files: readonly HubFile[], all: boolean): HubFile[] {
  const paths = files.map(({ path }) => path);
  const chosen = new Set(all ? paths.filter((path) => !isPickle(path)) : filesOfModel(paths));
  if (!paths.some(isWeights) && paths.includes(pickle)) throw noWeights(id, true);
  const wanted = files.filter(({ path }) => chosen.has(path));
  // Names come from outside: none may lead out of the folder.
  for (const { path } of wanted) checkName(path);
  return wanted;
}

async function fetchToCache(
  model: CachedModel,
  { revision, commit, requests }: Wanted,
  { signal, onProgress }: DownloadModelOptions,
): Promise<Fetched> {
  const count = new Count(requests, onProgress);
  for (const request of requests) {
    if (model.find(commit, request.file) === undefined) {
      await fetchFile(model, commit, request, { ...(signal ? { signal } : {}), onProgress: count.tell });
    }
    count.finish(request);
  }
  await model.recordRevision(revision, commit);
  return { folder: model.snapshot(commit), fetched: count.fetched };
}

async function fetchToFolder(
  model: CachedModel,
  { id, revision, commit, requests }: Wanted,
  { outputDir, signal, onProgress }: DownloadModelOptions,
): Promise<Fetched> {
  const folder = resolve(outputDir!);
  const outdated = await filesOfCopy(folder, id, requests, signal);
  const count = new Count(requests, onProgress);
  for (const request of requests) {
    const target = join(folder, request.file);
    if (!(await isHeld(target, request, signal))) {
      const blob = model.blob(request.hash.value);
      // What the cache has needs no network; its hash is checked like that of what an earlier try left.
      if (existsSync(blob)) await seedPartial(blob, target);
      await downloadShared({ ...request, target, signal, onProgress: count.tell });
    }
    count.finish(request);
  }
  for (const path of outdated) await rm(join(folder, path), { force: true });
  const paths = requests.map(({ file }) => file);
  const known = new Map(
    requests.flatMap(({ file, hash }) => (hash.algorithm === 'sha256' ? [[file, hash.value]] : [])),
  );
  const lock = await lockModel(folder, { id, revision, commit }, paths, known, signal);
  return { folder, fetched: count.fetched, lock };
}

/** Adds up the bytes of all files. */
class Count {
  fetched = 0;
  #done = 0;
  #fetchedBefore = 0;
  readonly #total: number;
  readonly #onProgress: DownloadModelOptions['onProgress'];

  constructor(requests: Wanted['requests'], onProgress: DownloadModelOptions['onProgress']) {
    this.#total = requests.reduce((sum, { size }) => sum + size, 0);
    this.#onProgress = onProgress;
  }

  tell = ({ file, loaded, held }: DownloadProgress): void => {
    this.fetched = this.#fetchedBefore + loaded - held;
    this.#report(file, this.#done + loaded);
  };

  finish({ file, size }: { file: string; size: number }): void {
    this.#done += size;
    this.#fetchedBefore = this.fetched;
    this.#report(file, this.#done);
  }

  #report(file: string, loaded: number): void {
    this.#onProgress?.({ file, loaded, total: this.#total, fetched: this.fetched });
  }
}

/**
 * Makes sure that nothing but an earlier copy of this model would be written over; gives the files of that copy
 * that the model has no more.
 */
async function filesOfCopy(
  folder: string,
  id: string,
  requests: Wanted['requests'],
  signal: AbortSignal | undefined,
): Promise<string[]> {
  const stats = await stat(folder).catch(() => undefined);
  if (stats && !stats.isDirectory()) throw occupied(folder, id, 'a file');
  const wanted = new Set(requests.map(({ file }) => file));
  const lockFile = join(folder, lockFileName);
  if (existsSync(lockFile)) {
    const lock = await readLock(lockFile);
    if (lock.id !== id) throw occupied(folder, id, `a copy of ${lock.id}`);
    return Object.keys(lock.files).filter((path) => !wanted.has(path));
  }
  for (const request of requests) {
    const target = join(folder, request.file);
    if (existsSync(target) && !(await isHeld(target, request, signal))) {
      throw occupied(folder, id, `another ${request.file} there`);
    }
  }

  return [];
}

/** Whether a file is there already, whole and the same. */
async function isHeld(
  target: string,
  { size, hash }: Omit<DownloadRequest, 'target'>,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const held = await stat(target).catch(() => undefined);
  if (!held?.isFile() || held.size !== size) return false;
  const start =
    hash.algorithm === 'sha256' ? createHash('sha256') : createHash('sha1').update(`blob ${size}\0`);
  return (await hashFile(target, start, signal)) === hash.value;
}

function occupied(folder: string, id: string, received: string): InputError {
  return new InputError({
    operation: 'download model',
    expected: `an empty folder, or an earlier copy of ${id}, at ${folder}`,
    received,
    remedy: 'name another folder, or move away what is there',
  });
}

function offline(id: string): DownloadError {
  return new DownloadError({
    operation: 'download model',
    expected: `to ask the hub for ${id}`,
    received: 'HF_HUB_OFFLINE, which forbids it',
    remedy: 'unset HF_HUB_OFFLINE; offline, name a model by its folder or by the id that is in the cache',
  });
}
