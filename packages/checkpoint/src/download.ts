import { createHash, type Hash } from 'node:crypto';
import { constants, existsSync } from 'node:fs';
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DownloadError, isWeftError } from '@weft/errors';
import { httpError, hubFetch, isUnreachable } from './hub-fetch.js';
import { claimPartial, releasePartial } from './partial-file.js';

export interface DownloadProgress {
  file: string;
  /** Bytes here so far, those of an earlier try included. */
  loaded: number;
  total: number;
  /** How many of the loaded bytes an earlier try had left. */
  held: number;
}

export interface DownloadRequest {
  url: string;
  file: string;
  /** Where the finished file goes. */
  target: string;
  size: number;
  /** sha256 of large files; git's sha1 of small ones. */
  hash: { algorithm: 'sha256' | 'git-sha1'; value: string };
  token?: string | undefined;
  signal?: AbortSignal | undefined;
  onProgress?: ((progress: DownloadProgress) => void) | undefined;
}

/** How many tries in a row may bring nothing new. */
const TRIES = 3;

/** How long the first pause between two tries is, in ms; each further one is twice as long. */
const PAUSE = 200;

/**
 * Downloads one file, going on from what an interrupted try left, and checks its size and hash before it gets
 * its name.
 */
export async function download(request: DownloadRequest): Promise<void> {
  const { target, signal } = request;
  await mkdir(dirname(target), { recursive: true });
  const partial = await claimPartial(target);
  try {
    const state = { loaded: 0 };
    for (let failed = 0, most = 0; ; most = Math.max(most, state.loaded)) {
      try {
        await fetchInto(partial, request, state);
        break;
      } catch (error) {
        failed = state.loaded > most ? 1 : failed + 1;
        if (!isTransient(error) || failed >= TRIES) throw lasting(error, request);
        await sleep(PAUSE * 2 ** (failed - 1), undefined, signal ? { signal } : {});
      }
    }
    await rename(partial, target).catch((error: unknown) => {
      // Another process may have brought the same bytes under the same name.
      if (!existsSync(target)) throw error;
    });
  } finally {
    await releasePartial(partial, target);
  }
}

async function fetchInto(
  partial: string,
  request: DownloadRequest,
  state: { loaded: number },
): Promise<void> {
  const { url, file, size, token, signal, onProgress } = request;
  const handle = await open(partial, constants.O_RDWR | constants.O_CREAT, 0o644);
  try {
    let hash = startHash(request);
    state.loaded = await hashHeld(handle, size, hash);
    let held = state.loaded;
    if (state.loaded < size) {
      const from = state.loaded;
      const headers: Record<string, string> = { 'Accept-Encoding': 'identity' };
      if (from > 0) headers.Range = `bytes=${from}-`;
      const response = await hubFetch(token, signal)(url, { headers });
      if (!response.ok) throw httpError(response.status, url, file);
      if (from > 0 && response.status !== 206) {
        // The server sends the whole file again.
        await handle.truncate(0);
        state.loaded = held = 0;
        hash = startHash(request);
      }
      for await (const chunk of received(response, signal)) {
        await writeFully(handle, chunk, state.loaded);
        hash.update(chunk);
        state.loaded += chunk.length;
        onProgress?.({ file, loaded: state.loaded, total: size, held });
        if (state.loaded > size) break;
      }
    }
    await handle.sync();
    if (state.loaded < size) throw new TransientError(`${state.loaded} of ${size} bytes, then silence`);
    await checkHash(hash, state.loaded, partial, request);
  } finally {
    await handle.close();
  }
}

/** Hashes what an earlier try left; too much of it is thrown away. */
async function hashHeld(handle: FileHandle, size: number, hash: Hash): Promise<number> {
  const held = (await handle.stat()).size;
  if (held > size) {
    await handle.truncate(0);
    return 0;
  }
  const buffer = Buffer.allocUnsafe(1 << 20);
  let done = 0;
  while (done < held) {
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, done);
    if (bytesRead === 0) break;
    hash.update(buffer.subarray(0, bytesRead));
    done += bytesRead;
  }
  return done;
}

/** The body in pieces, with a broken connection told apart from what goes wrong where the pieces are used. */
async function* received(response: Response, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
  const reader = response.body?.getReader();
  if (!reader) return;
  try {
    for (;;) {
      const next = await reader.read().catch((error: unknown) => {
        signal?.throwIfAborted();
        throw new TransientError(`a broken connection (${(error as Error).message})`);
      });
      if (next.done) return;
      yield next.value;
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

async function writeFully(handle: FileHandle, chunk: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < chunk.length; ) {
    done += (await handle.write(chunk, done, chunk.length - done, position + done)).bytesWritten;
  }
}

function startHash({ hash, size }: DownloadRequest): Hash {
  if (hash.algorithm === 'sha256') return createHash('sha256');
  return createHash('sha1').update(`blob ${size}\0`);
}

async function checkHash(
  hash: Hash,
  loaded: number,
  partial: string,
  { hash: wanted, size, url, file }: DownloadRequest,
): Promise<void> {
  const received = loaded > size ? 'more bytes than that' : hash.digest('hex');
  if (received === wanted.value) return;
  await rm(partial, { force: true });
  throw new DownloadError({
    operation: 'download',
    expected: `${file} with ${size} bytes of ${wanted.algorithm} ${wanted.value}`,
    received,
    remedy: 'try again; if it stays so, the server or a proxy in between changes files',
    url,
  });
}

/** A failure that a further try may cure. */
class TransientError extends Error {}

function isTransient(error: unknown): boolean {
  if (error instanceof TransientError) return true;
  if (error instanceof DownloadError) return (error.status ?? 0) >= 500;
  return isUnreachable(error);
}

/** What a caller sees of a failure that stays. */
function lasting(error: unknown, { url, file, target }: DownloadRequest): unknown {
  if (isWeftError(error) || isUnreachable(error)) return error;
  if (error instanceof TransientError) {
    return new DownloadError({
      operation: 'download',
      expected: `the whole of ${file}`,
      received: error.message,
      remedy: 'try again: what has come is kept and gone on from',
      url,
      cause: error,
    });
  }
  if (error instanceof Error && 'syscall' in error) {
    const { code } = error as NodeJS.ErrnoException;
    return new DownloadError({
      operation: 'download',
      expected: `to write ${file} to ${dirname(target)}`,
      received: code === 'ENOSPC' ? 'a full disk (ENOSPC)' : error.message,
      remedy: 'make room there, or set HF_HUB_CACHE (or pass cacheDir) to a folder with room',
      url,
      cause: error,
    });
  }
  return error;
}
