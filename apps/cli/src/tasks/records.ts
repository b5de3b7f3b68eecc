import { collect, type Skipped } from '../data/collect.js';
import type { Row, Source } from '../data/source.js';
import { sourceOf } from '../data/source.js';
import { splitByGroup } from '../data/split.js';
import type { TaskContext, TaskFlags } from './task.js';

/** What reads the records of one file: it may keep to what the first row tells. */
export type RecordReader<T> = (source: Source) => (row: Row) => T;

/** The records to learn from and to judge on: of two files, or of one that is split by seed. */
export async function trainAndEvalRecords<T>(
  flags: TaskFlags,
  reader: RecordReader<T>,
  groupOf: (record: T) => unknown,
  { note }: Pick<TaskContext, 'note'>,
): Promise<{ train: T[]; evaluation: T[]; source: Source }> {
  const skipped: Skipped = { count: 0, reasons: [] };
  const options = { skipBadRows: flags.skipBadRows, skipped };
  const read = (path: string): Promise<T[]> => {
    const source = sourceOf(path, flags);
    return collect(source, reader(source), options);
  };
  const source = sourceOf(flags.train, flags);
  const all = await read(flags.train);
  const judged = flags.evalFile === undefined ? undefined : await read(flags.evalFile);
  noteSkipped(note, skipped);
  if (judged) return { train: all, evaluation: judged, source };
  const { train, heldOut } = splitByGroup(all, flags.evalSplit, flags.seed, groupOf);
  return { train, evaluation: heldOut, source };
}

export function noteSkipped(note: (text: string) => void, { count, reasons }: Skipped): void {
  if (count > 0)
    note(`left out ${count} bad rows: ${reasons.join('; ')}${count > reasons.length ? '; ...' : ''}`);
}
