import { DataError } from '@weft/errors';
import { readRows } from './rows.js';
import type { Row, Source } from './source.js';

/** Records that were left out, counted, with the first few reasons. */
export interface Skipped {
  count: number;
  reasons: string[];
}

/**
 * All records of a file that can be read as examples. A bad record is an error, or where bad ones are to be skipped
 * counted in `skipped`; malformed csv or JSON is an error in any case.
 */
export async function collect<T>(
  source: Source,
  read: (row: Row) => T,
  { skipBadRows = false, skipped }: { skipBadRows?: boolean | undefined; skipped: Skipped },
): Promise<T[]> {
  const found: T[] = [];
  for await (const row of readRows(source)) {
    try {
      found.push(read(row));
    } catch (error) {
      if (!skipBadRows || !(error instanceof DataError)) throw error;
      skipped.count++;
      if (skipped.reasons.length < 3) skipped.reasons.push(error.received);
    }
  }
  if (found.length > 0) return found;
  throw new DataError({
    operation: `read ${source.name}`,
    expected: 'at least one example',
    received: skipped.count > 0 ? `only bad rows, such as ${skipped.reasons[0]}` : 'an empty file',
    remedy: 'name a file with data',
    file: source.name,
  });
}
