import { createReadStream, statSync } from 'node:fs';
import { basename, extname } from 'node:path';
import { DataError, InputError } from '@weft/errors';

export const tableFormats = ['csv', 'tsv', 'jsonl', 'text', 'conll'] as const;
export type TableFormat = (typeof tableFormats)[number];

/** One record of a file. */
export interface Row {
  /** Where it stands (where it ends, if it spans lines), from 1. */
  line: number;
  values: Readonly<Record<string, unknown>>;
}

/** Where rows come from. */
export interface Source {
  /** As people know it: a file's name, or "standard input". */
  name: string;
  format: TableFormat;
  /** Names of the columns, for csv and tsv files whose first line is data. */
  columnNames?: readonly string[] | undefined;
  open(): AsyncIterable<Buffer>;
}

/** Text with more than this in one record is taken for a forgotten quote. */
export const longestRecord = 64 * 2 ** 20;

/** A file by its path, or standard input for "-"; the format is told by the name unless it is given. */
export function sourceOf(
  path: string,
  {
    format,
    columnNames,
  }: { format?: TableFormat | undefined; columnNames?: readonly string[] | undefined } = {},
): Source {
  const common = { format: format ?? formatOf(path), columnNames };
  if (path === '-') return { ...common, name: 'standard input', open: () => process.stdin };
  requireFile(path);
  return { ...common, name: basename(path), open: () => createReadStream(path) };
}

/** @throws InputError for what is no file; a pipe that has a name is one */
export function requireFile(path: string): void {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats && !stats.isDirectory()) return;
  throw new InputError({
    operation: `read ${path}`,
    expected: 'a file',
    received: stats ? 'a folder' : 'nothing of that name',
    remedy: 'correct the path',
  });
}

function formatOf(path: string): TableFormat {
  if (path === '-') return 'text';
  const extension = extname(path).slice(1).toLowerCase();
  const known = {
    csv: 'csv',
    tsv: 'tsv',
    tab: 'tsv',
    jsonl: 'jsonl',
    ndjson: 'jsonl',
    txt: 'text',
    conll: 'conll',
    bio: 'conll',
    iob: 'conll',
  } as const;
  const format = known[extension as keyof typeof known];
  if (format) return format;
  throw new InputError({
    operation: `read ${basename(path)}`,
    expected: 'a name that ends in .csv, .tsv, .jsonl, .conll or .txt',
    received: extension === '' ? 'no ending' : `.${extension}`,
    remedy: `say --format ${tableFormats.join('|')}`,
  });
}

/** Bytes as text. @throws DataError where they are not UTF-8 */
export async function* decodeUtf8(source: Source): AsyncGenerator<string, void, void> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let bytes = 0;
  try {
    for await (const chunk of source.open()) {
      const text = decoder.decode(chunk, { stream: true });
      bytes += chunk.length;
      if (text !== '') yield text;
    }
    const rest = decoder.decode();
    if (rest !== '') yield rest;
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause;
    throw new DataError({
      operation: `read ${source.name}`,
      expected: 'text in UTF-8',
      received: `other bytes after the first ${bytes}`,
      remedy: 'convert the file to UTF-8',
      file: source.name,
      cause,
    });
  }
}

/** What is wrong with a record. */
export function badRow(
  source: { name: string },
  line: number,
  { expected, received, remedy }: { expected: string; received: string; remedy: string },
): DataError {
  return new DataError({
    operation: `read ${source.name}`,
    expected,
    received: `line ${line}: ${received}`,
    remedy,
    file: source.name,
    line,
  });
}
