import { Readable } from 'node:stream';
import { CsvError, type Info, parse } from 'csv-parse';
import { badRow, decodeUtf8, longestRecord, type Row, type Source } from './source.js';

const remedies: Record<string, string> = {
  CSV_QUOTE_NOT_CLOSED: 'close the quote that was opened there',
  CSV_INVALID_CLOSING_QUOTE: 'write a quote within a quoted field twice',
  INVALID_OPENING_QUOTE: 'put the whole field in quotes, or write the file as tsv, which knows no quotes',
  CSV_MAX_RECORD_SIZE: 'look for a quote that is not closed',
};

/**
 * csv as RFC 4180 has it. A tsv file knows no quotes: fields end at tabs, rows at line breaks, and a quote is a
 * character like others, as GLUE's files want it.
 */
export async function* readDelimited(source: Source): AsyncGenerator<Row, void, void> {
  const { columnNames } = source;
  let columns: string[] | undefined = columnNames ? checkColumns(source, [...columnNames]) : undefined;
  const parser = parse({
    delimiter: source.format === 'tsv' ? '\t' : ',',
    quote: source.format === 'tsv' ? null : '"',
    bom: true,
    info: true,
    skip_empty_lines: true,
    relax_column_count: true,
    max_record_size: longestRecord,
  });
  const text = Readable.from(decodeUtf8(source));
  text.on('error', (error) => parser.destroy(error));
  text.pipe(parser);
  try {
    for await (const { record, info } of parser as AsyncIterable<{ record: string[]; info: Info }>) {
      if (columns === undefined) {
        columns = checkColumns(source, record);
        continue;
      }
      if (record.length !== columns.length) {
        throw badRow(source, info.lines, {
          expected: `${columns.length} fields a row (${columns.join(', ')})`,
          received: `${record.length} fields`,
          remedy:
            source.format === 'csv'
              ? 'put fields that hold a comma in quotes'
              : 'take tabs and line breaks out of the fields',
        });
      }
      yield { line: info.lines, values: Object.fromEntries(columns.map((name, i) => [name, record[i]])) };
    }
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw badRow(source, Number(error.lines ?? 0), {
      expected: 'well-formed csv',
      received: error.message,
      remedy: remedies[error.code] ?? 'correct that line',
    });
  } finally {
    text.destroy();
    parser.destroy();
  }
}

function checkColumns(source: Source, names: string[]): string[] {
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice === undefined) return names;
  throw badRow(source, 1, {
    expected: 'columns of different names',
    received: `"${twice}" twice in ${names.join(', ')}`,
    remedy: source.columnNames
      ? 'name each column once'
      : 'rename one; if the first line is data already, name the columns with --column-names',
  });
}
