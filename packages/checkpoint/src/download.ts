import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DownloadError } from '@weft/errors';
import { EnvHttpProxyAgent, fetch as undiciFetch } from 'undici';

export interface DownloadProgress {
  file: string;
  /** Bytes here so far, those of an earlier try included. */
  loaded: number;
  total: number;
}

export interface DownloadRequest {
  url: string;
  file: string;
  /** Where the finished file goes; `.incomplete` beside it holds what has come so far. */
  target: string;
  size: number;
  /** sha256 of large files; git's sha1 of small ones. */
  hash: { algorithm: 'sha256' | 'git-sha1'; value: string };
  headers: Record<string, string>;
  signal?: AbortSignal;
  onProgress?: (progress: DownloadProgress) => void;
}

let proxyAgent: EnvHttpProxyAgent | undefined;

/** fetch through the proxy that HTTP_PROXY, HTTPS_PROXY and NO_PROXY name, which Node's own ignores. */
export const hubFetch: typeof fetch = ((input: string | URL, init?: object) => {
  proxyAgent ??= new EnvHttpProxyAgent();
  return undiciFetch(input, { ...init, dispatcher: proxyAgent });
}) as unknown as typeof fetch;

const RETRIES = 3;

/** Downloads one file, going on from what an interrupted try left, and checks its hash before it gets its name. */
export async function download(request: DownloadRequest): Promise<void> {
  await mkdir(dirname(request.target), { recursive: true });
  const partial = `${request.target}.incomplete`;
  for (let attempt = 0; ; attempt++) {
    try {
      await fetchInto(partial, request);
      break;
    } catch (error) {
      if (attempt === RETRIES - 1 || !isTransient(error)) throw error;
      await sleep(200 * 2 ** attempt, undefined, request.signal ? { signal: request.signal } : {});
    }
  }
  await rename(partial, request.target);
}

async function fetchInto(partial: string, request: DownloadRequest): Promise<void> {
  const { url, file, size, headers, signal, onProgress } = request;
  const held = await stat(partial).then(
    ({ size: bytes }) => (bytes <= size ? bytes : 0),
    () => 0,
  );
  const hash = startHash(request);
  const handle = await open(partial, held > 0 ? 'r+' : 'w');
  try {
    let loaded = held;
    if (held > 0)
      for await (const chunk of createReadStream(partial, { end: held - 1 })) hash.update(chunk as Buffer);
    if (loaded < size || size === 0) {
      const response = await hubFetch(url, {
        headers: { ...headers, ...(held > 0 ? { Range: `bytes=${held}-` } : {}) },
        ...(signal ? { signal } : {}),
      });
      if (!response.ok) throw httpError(response.status, url, file);
      if (held > 0 && response.status !== 206) {
        // The server sent the whole file again: start over.
        await handle.truncate(0);
        await response.body?.cancel();
        throw new TransientError('the server does not go on where the last try ended');
      }
      loaded = await receive(response, handle, loaded, hash, (bytes) =>
        onProgress?.({ file, loaded: bytes, total: size }),
      );
    }
    await handle.sync();
    if (loaded < size) throw new TransientError(`${loaded} of ${size} bytes of ${file} came`);
  } finally {
    await handle.close();
  }
  await checkHash(hash, partial, request);
}

async function receive(
  response: Response,
  handle: FileHandle,
  from: number,
  hash: Hash,
  tell: (bytes: number) => void,
): Promise<number> {
  let loaded = from;
  try {
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
      await handle.write(chunk, 0, chunk.length, loaded);
      hash.update(chunk);
      loaded += chunk.length;
      tell(loaded);
    }
  } catch (error) {
    if ((error as Error).name === 'AbortError' || isSystemError(error)) throw error;
    throw new TransientError(`the connection broke: ${(error as Error).message}`);
  }
  return loaded;
}

function startHash({ hash, size }: DownloadRequest): Hash {
  if (hash.algorithm === 'sha256') return createHash('sha256');
  return createHash('sha1').update(`blob ${size}\0`);
}

async function checkHash(
  hash: Hash,
  partial: string,
  { hash: wanted, url, file }: DownloadRequest,
): Promise<void> {
  const received = hash.digest('hex');
  if (received === wanted.value) return;
  await rm(partial, { force: true });
  throw new DownloadError({
    operation: 'download',
    expected: `${file} with ${wanted.algorithm} ${wanted.value}`,
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
  return error instanceof TypeError; // what fetch throws when no connection comes about
}

function isSystemError(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error && (error as NodeJS.ErrnoException).syscall === 'write';
}

/** The error for an HTTP status, with what a person can do about it. */
export function httpError(status: number, url: string, what: string): DownloadError {
  const remedies: Record<number, string> = {
    401: 'set HF_TOKEN, or pass a token, if the model is private or gated; check its name otherwise',
    403: 'ask for access on the page of the model, and set HF_TOKEN',
    404: 'check the name and the revision',
    429: 'wait a while; a token raises the limit',
  };
  return new DownloadError({
    operation: 'download',
    expected: `${what} from the hub`,
    received: `HTTP ${status}`,
    remedy: remedies[status] ?? 'try again later; what has come is kept and gone on from',
    url,
    status,
  });
}
