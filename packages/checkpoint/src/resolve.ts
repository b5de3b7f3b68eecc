import { existsSync, statSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { HubApiError, modelInfo, type PathInfo, pathsInfo } from '@huggingface/hub';
import { CheckpointError, DownloadError, InputError, isWeftError } from '@weft/errors';
import { type DownloadProgress, download, httpError, hubFetch } from './download.js';
import { CachedModel, hubEnvironment } from './hub-cache.js';

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
  if (isLocalFolder(idOrFolder)) return resolveInFolder(idOrFolder, files, optionalFiles);
  checkId(idOrFolder);
  const model = new CachedModel(options.cacheDir ?? hubEnvironment.cacheDir(), idOrFolder);
  const revision = options.revision ?? 'main';
  const known = model.commitOf(revision);
  const cached = known === undefined ? undefined : lookUp(model, known, files, optionalFiles);
  if (options.localFilesOnly || hubEnvironment.offline()) {
    if (cached) return cached.found;
    throw notCached(idOrFolder, revision, files);
  }
  // A commit never changes: what is here and complete needs no question.
  if (cached?.complete && revision === known) return cached.found;
  try {
    return await fetchFiles(idOrFolder, revision, model, files, optionalFiles, options);
  } catch (error) {
    if (cached && isUnreachable(error)) return cached.found;
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

function checkId(id: string): void {
  if (/^[\w-][\w.-]*(\/[\w-][\w.-]*)?$/.test(id) && !id.includes('..')) return;
  throw new InputError({
    operation: 'resolve model',
    expected: 'a folder, or an id such as gpt2 or owner/name',
    received: JSON.stringify(id),
    remedy: 'write ./ before the name of a folder',
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

async function fetchFiles(
  id: string,
  revision: string,
  model: CachedModel,
  files: readonly string[],
  optionalFiles: readonly string[],
  options: HubOptions,
): Promise<Record<string, string>> {
  const token = options.token ?? hubEnvironment.token();
  const hubUrl = hubEnvironment.endpoint();
  const access = {
    hubUrl,
    fetch: withSignal(options.signal),
    ...(token === undefined ? {} : { accessToken: token }),
  };
  const repo = { type: 'model', name: id } as const;
  const wanted = [...files, ...optionalFiles];
  let commit: string;
  let infos: PathInfo[];
  try {
    commit = (await modelInfo({ ...access, name: id, revision, additionalFields: ['sha'] })).sha;
    infos = await pathsInfo({ ...access, repo, paths: wanted, revision: commit });
  } catch (error) {
    if (error instanceof HubApiError)
      throw httpError(error.statusCode, error.url, `${id} at revision ${revision}`);
    throw error;
  }
  const byPath = new Map(infos.map((info) => [info.path, info]));
  const missing = files.filter((file) => !byPath.has(file));
  if (missing.length > 0) throw missingOnHub(id, missing);

  const found: Record<string, string> = {};
  for (const file of wanted) {
    const info = byPath.get(file);
    if (!info) {
      await model.markAbsent(commit, file);
      continue;
    }
    const url = `${hubUrl}/${id}/resolve/${commit}/${file.split('/').map(encodeURIComponent).join('/')}`;
    found[file] = await ensureFile(model, commit, info, url, token, options);
  }
  await model.recordRevision(revision, commit);
  return found;
}

// Two calls for the same file in one process share one download.
const underWay = new Map<string, Promise<void>>();

async function ensureFile(
  model: CachedModel,
  commit: string,
  info: PathInfo,
  url: string,
  token: string | undefined,
  { signal, onProgress }: HubOptions,
): Promise<string> {
  const held = model.find(commit, info.path);
  if (held !== undefined) return held;
  const etag = info.lfs?.oid ?? info.oid!;
  const target = model.blob(etag);
  if (!existsSync(target)) {
    const job =
      underWay.get(target) ??
      download({
        url,
        file: info.path,
        target,
        size: info.lfs?.size ?? info.size,
        hash: { algorithm: info.lfs ? 'sha256' : 'git-sha1', value: etag },
        headers: token === undefined ? {} : { Authorization: `Bearer ${token}` },
        ...(signal ? { signal } : {}),
        ...(onProgress ? { onProgress } : {}),
      }).finally(() => underWay.delete(target));
    underWay.set(target, job);
    await job;
  }
  return model.link(commit, info.path, etag);
}

function withSignal(signal: AbortSignal | undefined): typeof fetch {
  if (!signal) return hubFetch;
  return (input, init) => hubFetch(input, { ...init, signal });
}

/** No connection came about, as against an answer that says no. */
function isUnreachable(error: unknown): boolean {
  return error instanceof TypeError && !isWeftError(error);
}

function unreachable(id: string, cause: unknown): DownloadError {
  return new DownloadError({
    operation: 'download',
    expected: `the hub at ${hubEnvironment.endpoint()} to answer`,
    received: `no connection (${((cause as Error).cause as Error | undefined)?.message ?? (cause as Error).message})`,
    remedy: `check the network, HF_ENDPOINT and the proxy; or pass a folder instead of ${id}`,
    cause,
  });
}

function notCached(id: string, revision: string, files: readonly string[]): DownloadError {
  return new DownloadError({
    operation: 'resolve model',
    expected: `${files.join(', ') || 'the files'} of ${id} at ${revision} in the cache, since the hub is not to be asked`,
    received: 'not all of them',
    remedy: 'fetch the model once online, or pass a folder',
  });
}

function missingOnHub(id: string, missing: readonly string[]): DownloadError {
  return new DownloadError({
    operation: 'download',
    expected: `${missing.join(', ')} in ${id}`,
    received: 'a model without',
    remedy: 'check the id and the revision; weft reads safetensors, never pickled weights',
    status: 404,
  });
}
