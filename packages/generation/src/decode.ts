import { setImmediate as yieldToEvents } from 'node:timers/promises';
import { chooseToken, isPlain } from './choosing.js';
import { padRight, type Row, type Run } from './run.js';
import type { DecodingSession } from './session.js';

/** New tokens of one step, one a row; undefined for rows that are done. */
export interface StreamStep {
  tokens: (number | undefined)[];
}

/** What is kept beside the tokens where the options ask for it. */
export interface Kept {
  scores: Float32Array[];
  logits: Float32Array[];
}

/** Greedy decoding and sampling: lets the rows grow, token by token, until all are done. */
export async function* decode(
  session: DecodingSession,
  run: Run,
  rows: readonly Row[],
  kept: Kept,
): AsyncGenerator<StreamStep, void, void> {
  const { options } = run;
  const keeps = options.outputScores === true || options.outputLogits === true;
  let feed: readonly (readonly number[])[] = run.prompts;
  let atWork = rows;
  // After the prompts, each of them stands for all its return sequences.
  let places = rows.map(({ promptIndex }) => promptIndex);
  let shared = rows.length > run.prompts.length;
  const plain = session.stepBest !== undefined && !keeps && isPlain(run.choosing);
  for (;;) {
    options.signal?.throwIfAborted();
    const tokens = plain
      ? takeAll(session.stepBest!(feed), atWork, places, run)
      : chooseAll(session.step(feed), atWork, places, session.vocabSize, run, shared ? 'copy' : 'own', kept);
    yield { tokens: rows.map((row) => tokens.get(row)) };
    const left = rows.filter(({ done }) => !done);
    if (left.length === 0) return;
    // Rows that are done leave the batch, a quarter of it at a time, since moving the rest costs something; with
    // scores kept they stay to the end.
    const shrinks = !keeps && left.length <= 0.75 * atWork.length;
    if (shared || shrinks) {
      const next = keeps ? rows : left;
      session.reorder(next.map((row) => places[atWork.indexOf(row)]!));
      atWork = next;
      places = next.map((_, i) => i);
      shared = false;
    }
    feed = atWork.map((row) => [tokens.get(row) ?? options.padTokenId]);
    await yieldToEvents();
  }
}

/** Adds each row's likeliest token to it; gives the tokens of rows not done before. */
function takeAll(
  best: Int32Array,
  rows: readonly Row[],
  places: readonly number[],
  { isDone }: Run,
): Map<Row, number> {
  const tokens = new Map<Row, number>();
  for (const [i, row] of rows.entries()) {
    if (row.done) continue;
    const token = best[places[i]!]!;
    row.tokens.push(token);
    row.done = isDone(row);
    tokens.set(row, token);
  }
  return tokens;
}

/** Chooses each row's next token from the logits and adds it to the row; gives the tokens of rows not done before. */
function chooseAll(
  logits: Float32Array,
  rows: readonly Row[],
  places: readonly number[],
  vocabSize: number,
  { choosing, isDone, options }: Run,
  scoresAre: 'copy' | 'own',
  kept: Kept,
): Map<Row, number> {
  const tokens = new Map<Row, number>();
  const { outputScores = false, outputLogits = false } = options;
  const keptScores = outputScores ? new Float32Array(rows.length * vocabSize) : undefined;
  const keptLogits = outputLogits ? new Float32Array(rows.length * vocabSize) : undefined;
  for (const [i, row] of rows.entries()) {
    if (row.done && !keptScores && !keptLogits) continue;
    const place = places[i]! * vocabSize;
    const given = logits.subarray(place, place + vocabSize);
    keptLogits?.set(given, i * vocabSize);
    const scores = scoresAre === 'copy' ? given.slice() : given;
    const token = chooseToken(scores, row, choosing, row.random, outputScores);
    keptScores?.set(scores, i * vocabSize);
    if (row.done) {
      // Its scores are kept, as in transformers, for what it would have gone on with.
      row.tokens.push(options.padTokenId);
      continue;
    }
    row.tokens.push(token);
    row.done = isDone(row);
    tokens.set(row, token);
  }
  if (keptScores) kept.scores.push(keptScores);
  if (keptLogits) kept.logits.push(keptLogits);
  return tokens;
}

/** The rows' tokens, filled up on the right to the longest. */
export function sequencesOf(rows: readonly Row[], filler: number): number[][] {
  const longest = Math.max(...rows.map(({ tokens }) => tokens.length));
  return rows.map(({ tokens }) => padRight(tokens, longest, filler));
}
