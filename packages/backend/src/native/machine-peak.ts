import { BackendError } from '@weft/errors';
import { loadAddon } from '../addon/load.js';

/** What this machine can do at most, measured by loops that do nothing else. */
export interface MachinePeak {
  instructionSet: string;
  /** Multiply-adds of values that stay in registers, counted as two operations, in 1e9 a second. */
  gigaflops: number;
  /** Bytes read plus bytes written by a copy far larger than the caches, in 1e9 a second. */
  copyGigabytesPerSecond: number;
  /** Bytes read by a sum over such an array, in 1e9 a second. */
  readGigabytesPerSecond: number;
}

const FLOATS = 32 * 1024 * 1024;

/**
 * Measures the machine's limits on this many threads; takes about a second.
 *
 * @throws BackendError where there is no native addon
 */
export function machinePeak(threads: number): MachinePeak {
  const { addon } = loadAddon();
  if (!addon) {
    throw new BackendError({
      operation: 'machinePeak',
      expected: 'the native addon',
      received: 'none',
      remedy: 'weft doctor tells why it is missing',
    });
  }
  const before = addon.threads();
  addon.useThreads(threads);
  try {
    // In large pages, as weights are: small ones halve what reading reaches.
    const floats = (value: number): Float32Array => {
      const buffer = addon.allocateBuffer(4 * FLOATS) ?? new ArrayBuffer(4 * FLOATS);
      return new Float32Array(buffer).fill(value);
    };
    const [from, to] = [floats(1), floats(0)];
    const operations = addon.fmaPeak(4_000_000);
    return {
      instructionSet: addon.instructionSet(),
      gigaflops: operations / best(() => addon.fmaPeak(4_000_000)) / 1e9,
      copyGigabytesPerSecond: (2 * from.byteLength) / best(() => addon.copyPeak(from, to, FLOATS)) / 1e9,
      readGigabytesPerSecond: from.byteLength / best(() => addon.readPeak(from, FLOATS)) / 1e9,
    };
  } finally {
    addon.useThreads(before);
  }
}

/** Seconds of the fastest of seven runs. */
function best(run: () => unknown): number {
  let seconds = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 7; i++) {
    const started = performance.now();
    run();
    seconds = Math.min(seconds, (performance.now() - started) / 1000);
  }
  return seconds;
}
