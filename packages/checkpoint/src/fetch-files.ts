import { existsSync } from 'node:fs';
import type { PathInfo } from '@huggingface/hub';
import { DownloadError, isWeftError } from '@weft/errors';
import type { DownloadProgress, DownloadRequest } from './download.js';
import { type CachedModel, hubEnvironment } from './hub-cache.js';
import { httpError, hubFetch, isUnreachable } from './hub-fetch.js';
import { downloadShared } from './shared-download.js';

export interface FilesOfModel {
  id: string;
  revision: string;
  files: readonly string[];
  optionalFiles: readonly string[];
}

export interface Access {
  token?: string;
  signal?: AbortSignal;
  onProgress?: (progress: DownloadProgress) => void;
}

/**
 * Asks the hub which commit a revision is and which of the files it has, fetches those that are not in the
 * cache, and gives their paths in it.
 *
 * @throws DownloadError; a TypeError of fetch where no connection comes about
 */
export async function fetchFiles(
  model: CachedModel,
  { id, revision, files, optionalFiles }: FilesOfModel,
  access: Access,
): Promise<Record<string, string>> {
  const token = access.token ?? hubEnvironment.token();
  const wanted = [...new Set([...files, ...optionalFiles])];
  const { commit, infos } = await listFiles(id, revision, wanted, token, access.signal);
  const missing = files.filter((file) => !infos.has(file));
  if (missing.length > 0) throw missingOnHub(id, missing);

  const found: Record<string, string> = {};
  for (const file of wanted) {
    const info = infos.get(file);
    if (!info) {
      await model.markAbsent(commit, file);
      continue;
    }
    const held = model.find(commit, file);
    found[file] = held ?? (await fetchFile(model, commit, requestFor(id, commit, info, token), access));
  }
  await model.recordRevision(revision, commit);
  return found;
}

/** The commit of a revision, and what the hub knows of these files at it; files that it has not are left out. */
export async function listFiles(
  id: string,
  revision: string,
  paths: string[],
  token: string | undefined,
  signal: AbortSignal | undefined,
): Promise<{ commit: string; infos: Map<string, PathInfo> }> {
  return askHub(id, revision, token, signal, async (hub, commit) => {
    const { pathsInfo } = await import('@huggingface/hub');
    const infos = await pathsInfo({ ...hub, repo: { type: 'model', name: id }, paths, revision: commit });
    return { commit, infos: new Map(infos.map((info) => [info.path, info])) };
  });
}

/** A file as the hub lists it. */
export type HubFile = Pick<PathInfo, 'path' | 'oid' | 'size' | 'lfs'>;

/** The commit of a revision, and all files that the model has at it. */
export async function listAllFiles(
  id: string,
  revision: string,
  token: string | undefined,
  signal: AbortSignal | undefined,
): Promise<{ commit: string; files: HubFile[] }> {
  return askHub(id, revision, token, signal, async (hub, commit) => {
    const { listFiles: listTree } = await import('@huggingface/hub');
    const repo = { type: 'model', name: id } as const;
    const files: HubFile[] = [];
    for await (const entry of listTree({ ...hub, repo, revision: commit, recursive: true })) {
      const { type, path, size, oid = '', lfs } = entry;
      if (type === 'file') files.push({ path, size, oid, ...(lfs ? { lfs } : {}) });
    }
    return { commit, files };
  });
}

async function askHub<T>(
  id: string,
  revision: string,
  token: string | undefined,
  signal: AbortSignal | undefined,
  ask: (hub: { hubUrl: string; fetch: typeof fetch }, commit: string) => Promise<T>,
): Promise<T> {
  const hub = { hubUrl: hubEnvironment.endpoint(), fetch: hubFetch(token, signal) };
  const { HubApiError, modelInfo } = await import('@huggingface/hub');
  try {
    const { sha } = await modelInfo({ ...hub, name: id, revision, additionalFields: ['sha'] });
    if (!isHash(sha)) throw new Error('no commit in the answer');
    return await ask(hub, sha);
  } catch (error) {
    signal?.throwIfAborted();
    if (isWeftError(error) || isUnreachable(error)) throw error;
    if (error instanceof HubApiError) {
      throw httpError(error.statusCode, error.url, `${id} at revision ${revision}`);
    }
    throw notTheHub(id, error);
  }
}

/** What to ask the hub for, and what must come. */
export function requestFor(
  id: string,
  commit: string,
  { path, oid, size, lfs }: HubFile,
  token: string | undefined,
): Omit<DownloadRequest, 'target'> {
  const value = lfs?.oid ?? oid;
  const bytes = lfs?.size ?? size;
  // The hash becomes a file's name.
  if (!isHash(value) || !Number.isSafeInteger(bytes)) throw notTheHub(id, new Error(`no hash of ${path}`));
  const escaped = path.split('/').map(encodeURIComponent).join('/');
  return {
    url: `${hubEnvironment.endpoint()}/${id}/resolve/${commit}/${escaped}`,
    file: path,
    size: bytes,
    hash: { algorithm: lfs ? 'sha256' : 'git-sha1', value },
    token,
  };
}

/** Brings a file's blob into the cache, where it is not yet, and gives its path in the snapshot. */
export async function fetchFile(
  model: CachedModel,
  commit: string,
  request: Omit<DownloadRequest, 'target'>,
  { signal, onProgress }: Access,
): Promise<string> {
  const target = model.blob(request.hash.value);
  if (!existsSync(target)) await downloadShared({ ...request, target, signal, onProgress });
  return model.link(commit, request.file, request.hash.value);
}

function isHash(value: unknown): value is string {
  return typeof value === 'string' && /^([0-9a-f]{40}|[0-9a-f]{64})$/.test(value);
}

function notTheHub(id: string, cause: unknown): DownloadError {
  return new DownloadError({
    operation: 'download',
    expected: `what the hub says about ${id}`,
    received: `another answer (${(cause as Error).message.slice(0, 200)})`,
    remedy: 'check HF_ENDPOINT and the proxy: something else than the hub answers there',
    url: hubEnvironment.endpoint(),
    cause,
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
