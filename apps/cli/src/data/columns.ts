import { InputError } from '@weft/errors';
import { badRow, type Row } from './source.js';

/** The names that a column has where nobody names one, the first that is there. */
export const usualNames = {
  text: ['text', 'sentence', 'review', 'content'],
  'text-pair': [],
  label: ['label', 'labels', 'class', 'category', 'sentiment'],
  tokens: ['tokens', 'words'],
  tags: ['tags', 'ner_tags', 'labels', 'pos_tags'],
  source: ['source', 'src', 'input'],
  target: ['target', 'tgt', 'output'],
  question: ['question'],
  context: ['context'],
} as const;

export type ColumnKind = keyof typeof usualNames;

/** The option that names a column of this kind. */
const optionOf = (kind: ColumnKind): string => `--${kind}-column`;

/**
 * Which column values of a kind are in, told by a file's first row.
 *
 * @throws InputError that lists the columns there are
 */
export function columnOf(source: { name: string }, row: Row, kind: ColumnKind, named?: string): string {
  const there = Object.keys(row.values);
  const found = named ?? (usualNames[kind] as readonly string[]).find((name) => there.includes(name));
  if (found !== undefined && there.includes(found)) return found;
  throw new InputError({
    operation: `read ${source.name}`,
    expected: `a column ${named ?? usualNames[kind].join(' or ')}`,
    received: `the columns ${there.join(', ') || 'of an empty row'}`,
    remedy: `name the column with ${optionOf(kind)}; name those of a file without a header with --column-names`,
  });
}

/** Makes a value of the first row that it is asked for, and keeps to it. */
export function ofFirstRow<T>(make: (row: Row) => T): (row: Row) => T {
  let made: { value: T } | undefined;
  return (row) => {
    made ??= { value: make(row) };
    return made.value;
  };
}

/** A text of a row, never empty. @throws DataError */
export function textOf(source: { name: string }, row: Row, column: string): string {
  const value = row.values[column];
  if (typeof value === 'string' && value.trim() !== '') return value;
  throw badRow(source, row.line, {
    expected: `a text in ${column}`,
    received: typeof value === 'string' ? 'an empty one' : describe(value),
    remedy: 'fill it in, or leave such rows out with --skip-bad-rows',
  });
}

/** A list of words of a row: an array, or words with spaces between. @throws DataError */
export function wordsOf(source: { name: string }, row: Row, column: string): string[] {
  const value = row.values[column];
  const words = typeof value === 'string' ? value.split(/\s+/).filter(Boolean) : value;
  const right = (each: unknown): boolean =>
    (typeof each === 'string' && each !== '') || Number.isInteger(each);
  if (Array.isArray(words) && words.length > 0 && words.every(right)) return words.map(String);
  throw badRow(source, row.line, {
    expected: `a list of words in ${column}`,
    received: Array.isArray(words) && words.length === 0 ? 'an empty one' : describe(value),
    remedy: 'give a JSON array of strings, or words with spaces between',
  });
}

export const describe = (value: unknown): string =>
  value === undefined ? 'nothing' : (JSON.stringify(value) ?? String(value)).slice(0, 60);
