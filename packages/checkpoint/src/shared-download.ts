import { type DownloadProgress, type DownloadRequest, download } from './download.js';

interface Shared {
  job: Promise<void>;
  controller: AbortController;
  listeners: Set<(progress: DownloadProgress) => void>;
  waiting: number;
}

const underWay = new Map<string, Shared>();

/**
 * As `download`, but calls for the same file in one process share one download: each hears of its progress,
 * each may leave by its own signal, and it stops when the last has left.
 */
export async function downloadShared(request: DownloadRequest): Promise<void> {
  const { target, signal, onProgress } = request;
  signal?.throwIfAborted();
  const shared = underWay.get(target) ?? start(request);
  shared.waiting++;
  if (onProgress) shared.listeners.add(onProgress);
  try {
    await orAborted(shared.job, signal);
  } finally {
    if (onProgress) shared.listeners.delete(onProgress);
    if (--shared.waiting === 0) {
      if (underWay.get(target) === shared) underWay.delete(target);
      shared.controller.abort(signal?.reason);
    }
  }
}

function start(request: DownloadRequest): Shared {
  const controller = new AbortController();
  const listeners: Shared['listeners'] = new Set();
  const job = download({
    ...request,
    signal: controller.signal,
    onProgress: (progress) => {
      for (const tell of listeners) tell(progress);
    },
  });
  const shared = { job, controller, listeners, waiting: 0 };
  underWay.set(request.target, shared);
  return shared;
}

function orAborted(job: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (!signal) return job;
  return new Promise((resolve, reject) => {
    const leave = (): void => reject(signal.reason as Error);
    signal.addEventListener('abort', leave, { once: true });
    job.then(resolve, reject).finally(() => signal.removeEventListener('abort', leave));
  });
}
