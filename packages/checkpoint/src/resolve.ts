import { existsSync, statSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CheckpointError, DownloadError, InputError } from '@weft/errors';
import type { DownloadProgress } from './download.js';
import { fetchFiles } from './fetch-files.js';
import { CachedModel, hubEnvironment } from './hub-cache.js';
import { isServerDown, isUnreachable } from './hub-fetch.js';

/** Where a model comes from and how. */
export interface HubOptions {
  /** Branch, tag or commit. Default: main. */
  revision?: string;
  /** Default: HF_HUB_CACHE, or hub/ in HF_HOME, as Python has it. */
  cacheDir?: string;
  /** Never ask the hub. HF_HUB_OFFLINE does the same. */
  localFilesOnly?: boolean;
  /** Default: HF_TOKEN, or what `hf auth login` stored. */
  token?: string;
  signal?: AbortSignal;
  onProgress?: (progress: DownloadProgress) => void;
}

export interface ResolveOptions extends HubOptions {
  /** Files that must be there. */
  files: readonly string[];
  /** Files that are left out of the answer where there are none. */
  optionalFiles?: readonly string[];
}

/** True when `idOrFolder` names a folder, by existing as one or by looking like a path. */
export function isLocalFolder(idOrFolder: string): boolean {
  if (existsSync(idOrFolder)) return statSync(idOrFolder).isDirectory();
  return /^(\.{1,2}([/\\]|$)|[/\\~]|[A-Za-z]:[/\\])/.test(idOrFolder);
}

/**
 * The local paths of a model's files, by name: in a folder, else from the hub through the cache.
 *
 * @throws CheckpointError when a required file is not there, DownloadError when the hub cannot give it,
 * InputError when the id is none
 * @example
 * ```ts
 * import { mkdtemp, writeFile } from 'node:fs/promises';
 * import { tmpdir } from 'node:os';
 * import { join } from 'node:path';
 * import { resolveModelFiles } from '@weft/checkpoint';
 *
 * const folder = await mkdtemp(join(tmpdir(), 'weft-'));
 * await writeFile(join(folder, 'config.json'), '{}');
 * const found = await resolveModelFiles(folder, { files: ['config.json'], optionalFiles: ['vocab.txt'] });
 * console.assert(Object.keys(found).join() === 'config.json');
 * ```
 */
export async function resolveModelFiles(
  idOrFolder: string,
  { files, optionalFiles = [], ...options }: ResolveOptions,
): Promise<Record<string, string>> {
  for (const file of [...files, ...optionalFiles]) checkName(file);
  if (isLocalFolder(idOrFolder)) return resolveInFolder(idOrFolder, files, optionalFiles);
  checkId(idOrFolder);
  const revision = options.revision ?? 'main';
  checkRevision(revision);
  const model = new CachedModel(options.cacheDir ?? hubEnvironment.cacheDir(), idOrFolder);
  const known = model.commitOf(revision);
  const cached = known === undefined ? undefined : lookUp(model, known, files, optionalFiles);
  if (options.localFilesOnly || hubEnvironment.offline()) {
    if (cached) return cached.found;
    throw notCached(idOrFolder, revision, files);
  }
  // A commit never changes: what is here and complete needs no question.
  if (cached?.complete && revision === known) return cached.found;
  try {
    return await fetchFiles(model, { id: idOrFolder, revision, files, optionalFiles }, options);
  } catch (error) {
    if (cached && isServerDown(error)) return cached.found;
    throw isUnreachable(error) ? unreachable(idOrFolder, error) : error;
  }
}

async function resolveInFolder(
  folder: string,
  files: readonly string[],
  optionalFiles: readonly string[],
): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  const missing: string[] = [];
  for (const file of [...files, ...optionalFiles]) {
    const path = join(folder, file);
    const isThere = await stat(path).then(
      (stats) => stats.isFile(),
      () => false,
    );
    if (isThere) found[file] = path;
    else if (files.includes(file)) missing.push(file);
  }
  if (missing.length === 0) return found;
  throw new CheckpointError({
    operation: 'open model folder',
    expected: `${missing.join(', ')} in ${folder}`,
    received: existsSync(folder) ? 'a folder without' : 'no such folder',
    remedy: 'check the path; a model folder is what savePretrained writes or the hub serves',
    file: folder,
    keys: missing,
  });
}

export function checkId(id: string): void {
  if (/^[\w-][\w.-]*(\/[\w-][\w.-]*)?$/.test(id) && !id.includes('..')) return;
  throw new InputError({
    operation: 'resolve model',
    expected: 'a folder, or an id such as gpt2 or owner/name',
    received: JSON.stringify(id),
    remedy: 'write ./ before the name of a folder',
  });
}

/** File names come from outside too (an index of shards): none may lead out of the model, none may run code. */
export function checkName(file: string): void {
  const parts = file.split('/');
  const isInside =
    file !== '' && !/[\\\0:]/.test(file) && !parts.some((part) => ['', '.', '..'].includes(part));
  if (!isInside) {
    throw new InputError({
      operation: 'resolve model files',
      expected: 'names of files inside the model, parted by /',
      received: JSON.stringify(file),
      remedy: 'name files as the model lists them',
    });
  }
  if (!/\.(bin|pt|pth|ckpt|pkl|pickle)$/i.test(file)) return;
  throw new CheckpointError({
    operation: 'resolve model files',
    expected: 'files that hold data alone',
    received: `${file}, a pickle, which can run code when it is read`,
    remedy: 'use weights in safetensors (in Python: model.save_pretrained(folder))',
    file,
  });
}

export function checkRevision(revision: string): void {
  const parts = revision.split('/');
  if (/^[^\s\\\0:?*~^[]+$/.test(revision) && !parts.some((part) => ['', '.', '..'].includes(part))) return;
  throw new InputError({
    operation: 'resolve model',
    expected: 'a revision: a branch, a tag or a commit',
    received: JSON.stringify(revision),
    remedy: 'leave it out for main',
  });
}

function lookUp(
  model: CachedModel,
  commit: string,
  files: readonly string[],
  optionalFiles: readonly string[],
): { found: Record<string, string>; complete: boolean } | undefined {
  const found: Record<string, string> = {};
  let complete = true;
  for (const file of [...files, ...optionalFiles]) {
    const path = model.find(commit, file);
    if (path !== undefined) found[file] = path;
    else if (files.includes(file)) return undefined;
    else if (!model.isKnownAbsent(commit, file)) complete = false;
  }
  return { found, complete };
}

function notCached(id: string, revision: string, files: readonly string[]): DownloadError {
  return new DownloadError({
    operation: 'resolve model',
    expected: `${files.join(', ') || 'the files'} of ${id} at ${revision} in the cache, since the hub is not to be asked`,
    received: 'not all of them',
    remedy: 'fetch the model once online, or pass a folder',
  });
}

export function unreachable(id: string, error: unknown): DownloadError {
  const { message, cause } = error as Error;
  return new DownloadError({
    operation: 'download',
    expected: `the hub at ${hubEnvironment.endpoint()} to answer`,
    received: `no connection (${(cause as Error | undefined)?.message || message})`,
    remedy: `check the network, HF_ENDPOINT and the proxy; or pass a folder instead of ${id}`,
    url: hubEnvironment.endpoint(),
    cause: error,
  });
}
