import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { DataError } from '@weft/errors';
import { columnOf, ofFirstRow, textOf } from './columns.js';
import { readRows } from './rows.js';
import { type Row, requireFile, type Source, sourceOf } from './source.js';

export interface Answer {
  text: string;
  /** Where it begins in the context, in UTF-16. */
  start: number;
}

/** A question on a context; without answers it cannot be answered from it. */
export interface Question {
  id: string;
  /** The article that the context is of. */
  title: string;
  question: string;
  context: string;
  answers: Answer[];
}

/** Questions of a file: SQuAD's json, or jsonl with question, context and answers as the hub's data sets have it. */
export async function readQuestions(
  path: string,
  { skip }: { skip?: (reason: string) => void } = {},
): Promise<Question[]> {
  requireFile(path);
  const name = basename(path);
  const keep = (make: () => Question): Question[] => {
    try {
      return [make()];
    } catch (error) {
      if (!skip || !(error instanceof DataError)) throw error;
      skip(error.received);
      return [];
    }
  };
  const found = path.endsWith('.json')
    ? (await squadEntries(path)).flatMap((entry) => keep(() => questionOf(name, entry)))
    : await rowsOf(path, keep);
  if (found.length > 0) return found;
  throw new DataError({
    operation: `read ${name}`,
    expected: 'at least one question',
    received: 'none',
    remedy: "give a file in SQuAD's format, or jsonl with question, context and answers",
    file: name,
  });
}

/** A question as files have it, its answers still counted in code points. */
interface Entry {
  id: string;
  title: string;
  question: unknown;
  context: unknown;
  answers: { text: unknown; start: unknown }[];
}

async function squadEntries(path: string): Promise<Entry[]> {
  const name = basename(path);
  let json: unknown;
  try {
    json = JSON.parse(await readFile(path, 'utf8'));
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw notSquad(name, cause.message, cause);
  }
  const articles = listOf(json, 'data', name);
  return articles.flatMap((article, a) =>
    listOf(article, 'paragraphs', name).flatMap((paragraph, p) =>
      listOf(paragraph, 'qas', name).map((qa, q): Entry => {
        const { id, question, answers } = qa as Record<string, unknown>;
        return {
          id: typeof id === 'string' ? id : `${a}.${p}.${q}`,
          title: String((article as Record<string, unknown>).title ?? a),
          question,
          context: (paragraph as Record<string, unknown>).context,
          answers: (Array.isArray(answers) ? answers : []).map((answer: Record<string, unknown>) => ({
            text: answer.text,
            start: answer.answer_start,
          })),
        };
      }),
    ),
  );
}

function listOf(value: unknown, key: string, name: string): unknown[] {
  const list =
    typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined;
  if (Array.isArray(list)) return list;
  throw notSquad(name, `no list "${key}"`);
}

function notSquad(name: string, received: string, cause?: unknown): DataError {
  return new DataError({
    operation: `read ${name}`,
    expected: "SQuAD's json: data, paragraphs, qas",
    received,
    remedy: 'correct the file, or give jsonl with question, context and answers',
    file: name,
    cause,
  });
}

async function rowsOf(path: string, keep: (make: () => Question) => Question[]): Promise<Question[]> {
  const source = sourceOf(path);
  const entryOf = rowReader(source);
  const found: Question[] = [];
  for await (const row of readRows(source)) found.push(...keep(() => questionOf(source.name, entryOf(row))));
  return found;
}

function rowReader(source: Source): (row: Row) => Entry {
  const columns = ofFirstRow((row) => ({
    question: columnOf(source, row, 'question'),
    context: columnOf(source, row, 'context'),
  }));
  return (row) => {
    const { question, context } = columns(row);
    const { id, title, answers } = row.values;
    const { text = [], answer_start: starts = [] } = (answers ?? {}) as Record<string, unknown[]>;
    return {
      id: typeof id === 'string' ? id : `line ${row.line}`,
      title: typeof title === 'string' ? title : String(row.values[context]),
      question: textOf(source, row, question),
      context: textOf(source, row, context),
      answers: text.map((each, i) => ({ text: each, start: starts[i] })),
    };
  };
}

/** Checks an entry, and counts its answers' places in UTF-16 as JavaScript does. @throws DataError */
function questionOf(file: string, { id, title, question, context, answers }: Entry): Question {
  const wrong = (expected: string, received: string): DataError =>
    new DataError({
      operation: `read ${file}`,
      expected,
      received: `question ${id}: ${received}`,
      remedy: 'correct it, or leave such questions out with --skip-bad-rows',
      file,
    });
  if (typeof question !== 'string' || question.trim() === '') throw wrong('a question', 'an empty one');
  if (typeof context !== 'string' || context.trim() === '') throw wrong('a context', 'an empty one');
  const index = codePointIndex(context);
  return {
    id,
    title,
    question,
    context,
    answers: answers.map(({ text, start }) => {
      if (typeof text !== 'string' || text === '') throw wrong('an answer', 'an empty one');
      const from = index(Number(start));
      if (context.startsWith(text, from)) return { text, start: from };
      throw wrong(
        `"${text.slice(0, 40)}" at character ${start} of the context`,
        `"${context.slice(from, from + 40)}"`,
      );
    }),
  };
}

/** From a count of code points, as Python counts, to one of UTF-16 units. */
function codePointIndex(text: string): (codePoints: number) => number {
  if (!/[\ud800-\udbff]/.test(text)) return (codePoints) => codePoints;
  const units: number[] = [];
  let unit = 0;
  for (const character of text) {
    units.push(unit);
    unit += character.length;
  }
  return (codePoints) => units[codePoints] ?? unit;
}
