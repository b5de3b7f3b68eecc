import { once } from 'node:events';
import { extname } from 'node:path';
import { InputError } from '@weft/errors';

export const outputFormats = ['jsonl', 'csv', 'tsv'] as const;
export type OutputFormat = (typeof outputFormats)[number];

/** The format of what is written: named, told by the file's name, else JSON lines. @throws InputError */
export function outputFormat(path: string | undefined, named: OutputFormat | undefined): OutputFormat {
  if (named) return named;
  if (path === undefined) return 'jsonl';
  const extension = extname(path).slice(1).toLowerCase();
  const known = { csv: 'csv', tsv: 'tsv', jsonl: 'jsonl', ndjson: 'jsonl' } as const;
  const format = known[extension as keyof typeof known];
  if (format) return format;
  throw new InputError({
    operation: `write ${path}`,
    expected: 'a name that ends in .jsonl, .csv or .tsv',
    received: extension === '' ? 'no ending' : `.${extension}`,
    remedy: `say --output-format ${outputFormats.join('|')}`,
  });
}

export type Rows = readonly Readonly<Record<string, unknown>>[];

/** Rows as text, in one format; a table has the columns of its first row, named on its first line. */
export async function rowFormatter(format: OutputFormat): Promise<(rows: Rows) => string> {
  if (format === 'jsonl') return (rows) => rows.map((row) => `${JSON.stringify(row)}\n`).join('');
  const { stringify } = await import('csv-stringify/sync');
  let columns: string[] | undefined;
  return (rows) => {
    const header = columns === undefined;
    columns ??= Object.keys(rows[0] ?? {});
    const cells = rows.map((row) => columns!.map((name) => cell(row[name])));
    if (format === 'csv') return stringify(header ? [columns, ...cells] : cells);
    // A tsv file knows no quotes: what would end a field becomes a space.
    const line = (fields: string[]): string =>
      `${fields.map((field) => field.replace(/[\t\r\n]+/g, ' ')).join('\t')}\n`;
    return (header ? [columns, ...cells] : cells).map(line).join('');
  };
}

function cell(value: unknown): string {
  if (value === undefined || value === null) return '';
  if (Array.isArray(value) && value.every((each) => typeof each === 'string')) return value.join(' ');
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** Where text goes, piece by piece. */
export type Sink = (text: string) => Promise<void>;

/** To a file, which appears whole when all is written, or to standard output, as fast as its reader reads. */
export async function withSink(path: string | undefined, fill: (sink: Sink) => Promise<void>): Promise<void> {
  if (path === undefined) {
    await fill(async (text) => {
      if (!process.stdout.write(text)) await once(process.stdout, 'drain');
    });
    return;
  }
  const { writeFileAtomic } = await import('@weft/checkpoint');
  await writeFileAtomic(path, (file) => fill(async (text) => void (await file.write(text))));
}
