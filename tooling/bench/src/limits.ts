import { cpus, totalmem } from 'node:os';
import { machinePeak } from '@weft/backend';

/** What the machine can do at most, measured by loops that do nothing else. */
export interface MachineLimits {
  processor: string;
  threads: number;
  memoryBytes: number;
  instructionSet: string;
  /** Multiply-adds of values that stay in registers, counted as two operations. */
  gigaflops: number;
  /** Bytes read and written by a copy of a buffer far larger than the caches. */
  copyGigabytesPerSecond: number;
  /** Bytes read by a sum over such a buffer. */
  readGigabytesPerSecond: number;
}

export async function machineLimits(threads: number): Promise<MachineLimits> {
  const peak = await machinePeak(threads);
  return { processor: cpus()[0]?.model.trim() ?? 'unknown', threads, memoryBytes: totalmem(), ...peak };
}
