import { stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Entry, parseEntry } from './entry.js';
import { readFrom } from './runs.js';

export type FollowEvent =
  | { type: 'history'; entries: Entry[] }
  | { type: 'entry'; entry: Entry }
  | { type: 'reset' }
  /** Nothing came for a while. */
  | { type: 'quiet' };

export interface FollowOptions {
  signal: AbortSignal;
  /** How often the file is looked at, in ms. Default: 400. */
  everyMs?: number;
  /** After so long without an entry, say that it is quiet, in ms. Default: 15000. */
  quietMs?: number;
}

const NEWLINE = 10;

/**
 * Follows a file of JSON lines: first all that it holds, then each line that is appended. Looks at its size rather
 * than waiting for the system to tell, which differs between systems and is silent on network disks.
 */
export async function* follow(
  file: string,
  { signal, everyMs = 400, quietMs = 15_000 }: FollowOptions,
): AsyncGenerator<FollowEvent, void, void> {
  let offset = 0;
  let identity = await identityOf(file);
  let rest = Buffer.alloc(0);
  let last: { step: number; at: number } | undefined;
  let quietSince = Date.now();
  let isFirst = true;
  while (!signal.aborted) {
    const { text, offset: next } = await readFrom(file, offset);
    offset = next;
    const { lines, left } = split(Buffer.concat([rest, text]));
    rest = left;
    const entries = lines.map(parseEntry).filter((entry) => entry !== undefined);
    if (isFirst) yield { type: 'history', entries };
    else {
      for (const entry of entries) yield { type: 'entry', entry: withSpeed(entry, last) };
    }
    const newest = entries.at(-1);
    if (newest) {
      // When the lines of the history were written is not known.
      if (!isFirst) last = { step: newest.step, at: performance.now() };
      quietSince = Date.now();
    } else if (Date.now() - quietSince >= quietMs) {
      quietSince = Date.now();
      yield { type: 'quiet' };
    }
    isFirst = false;
    await sleep(everyMs, undefined, { signal }).catch(() => {});
    const now = await identityOf(file);
    if (now.file === identity.file && now.size >= offset) continue;
    // Begun anew: shorter than what was read, or another file of the same name.
    identity = now;
    offset = 0;
    rest = Buffer.alloc(0);
    last = undefined;
    isFirst = true;
    yield { type: 'reset' };
  }
}

async function identityOf(file: string): Promise<{ file: string; size: number }> {
  try {
    const { dev, ino, size } = await stat(file);
    return { file: `${dev}:${ino}`, size };
  } catch {
    return { file: 'gone', size: 0 };
  }
}

/** Whole lines, and the bytes of one that is still being written. */
function split(bytes: Buffer): { lines: string[]; left: Buffer<ArrayBuffer> } {
  const end = bytes.lastIndexOf(NEWLINE) + 1;
  const lines = bytes.subarray(0, end).toString('utf8').split('\n').slice(0, -1);
  return { lines, left: Buffer.from(bytes.subarray(end)) };
}

/** Speed since the line before, as it came. */
function withSpeed(entry: Entry, before: { step: number; at: number } | undefined): Entry {
  if (!before || entry.step <= before.step) return entry;
  const seconds = (performance.now() - before.at) / 1000;
  return { ...entry, stepsPerSecond: seconds > 0 ? (entry.step - before.step) / seconds : null };
}
