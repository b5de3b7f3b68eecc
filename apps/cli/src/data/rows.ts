import { readDelimited } from './delimited.js';
import { readConll, readJsonLines, readLines } from './lines.js';
import type { Row, Source } from './source.js';

/**
 * The rows of a file, one after the other, never all at once.
 *
 * @throws DataError with the line of what is malformed
 */
export function readRows(source: Source): AsyncGenerator<Row, void, void> {
  if (source.format === 'jsonl') return readJsonLines(source);
  if (source.format === 'text') return readLines(source);
  if (source.format === 'conll') return readConll(source);
  return readDelimited(source);
}
