import { badRow, decodeUtf8, longestRecord, type Row, type Source } from './source.js';

/** Lines with their numbers; a line that does not end is an error, not a full memory. */
async function* numberedLines(source: Source): AsyncGenerator<{ line: number; text: string }, void, void> {
  // Pieces of a line that is not yet whole: joined once, so that a line of many chunks takes linear time.
  let pieces: string[] = [];
  let length = 0;
  let line = 0;
  const whole = (last: string): string => {
    const text = pieces.length === 0 ? last : pieces.join('') + last;
    pieces = [];
    length = 0;
    return text.endsWith('\r') ? text.slice(0, -1) : text;
  };
  for await (const chunk of decodeUtf8(source)) {
    let start = 0;
    for (let end = chunk.indexOf('\n'); end >= 0; end = chunk.indexOf('\n', start)) {
      yield { line: ++line, text: whole(chunk.slice(start, end)) };
      start = end + 1;
    }
    if (start === chunk.length) continue;
    pieces.push(start === 0 ? chunk : chunk.slice(start));
    length += chunk.length - start;
    if (length > longestRecord) {
      throw badRow(source, line + 1, {
        expected: `lines of at most ${longestRecord / 2 ** 20} MB`,
        received: 'one that is longer',
        remedy: 'check that the file has line breaks',
      });
    }
  }
  if (pieces.length > 0) yield { line: ++line, text: whole('') };
}

/** Plain text, a line a row, in a column `text`. */
export async function* readLines(source: Source): AsyncGenerator<Row, void, void> {
  for await (const { line, text } of numberedLines(source)) yield { line, values: { text } };
}

/** JSON Lines: an object a line; empty lines are left out. */
export async function* readJsonLines(source: Source): AsyncGenerator<Row, void, void> {
  for await (const { line, text } of numberedLines(source)) {
    if (text.trim() === '') continue;
    let values: unknown;
    try {
      values = JSON.parse(text);
    } catch (cause) {
      throw badRow(source, line, {
        expected: 'a JSON object on each line',
        received: (cause as Error).message,
        remedy: 'correct that line',
      });
    }
    if (typeof values !== 'object' || values === null || Array.isArray(values)) {
      throw badRow(source, line, {
        expected: 'a JSON object on each line, with columns as its keys',
        received: Array.isArray(values) ? 'an array' : JSON.stringify(values).slice(0, 60),
        remedy: 'write {"text": ..., "label": ...} on each line',
      });
    }
    yield { line, values: values as Record<string, unknown> };
  }
}

/**
 * Tagged words as CoNLL's tasks have them: a word a line, its tag in the last column; empty lines between sentences.
 * The columns between, and lines that mark a document, are left out.
 */
export async function* readConll(source: Source): AsyncGenerator<Row, void, void> {
  let [tokens, tags]: [string[], string[]] = [[], []];
  let last = 0;
  for await (const { line, text } of numberedLines(source)) {
    last = line;
    const fields = text.split(/\s+/).filter(Boolean);
    if (fields.length === 0) {
      if (tokens.length > 0) yield { line, values: { tokens, tags } };
      [tokens, tags] = [[], []];
    } else if (fields[0] !== '-DOCSTART-') {
      if (fields.length === 1) {
        throw badRow(source, line, {
          expected: 'a word and its tag on each line',
          received: `"${text.slice(0, 60)}"`,
          remedy: 'write the tag behind the word, with a space or a tab between',
        });
      }
      tokens.push(fields[0]!);
      tags.push(fields.at(-1)!);
    }
  }
  if (tokens.length > 0) yield { line: last, values: { tokens, tags } };
}
