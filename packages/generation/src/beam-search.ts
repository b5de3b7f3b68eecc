import { setImmediate as yieldToEvents } from 'node:timers/promises';
import type { GenerateOutput, Run } from './generate.js';
import { logSoftmax, topIndices } from './numeric.js';
import { type Random, sampleWithoutReplacement } from './random.js';
import type { DecodingSession } from './session.js';
import { buildStopping } from './stopping.js';

interface Beam {
  tokens: number[];
  /** Sum of log-probabilities while it runs; over the penalised length once it is finished. */
  score: number;
  finished: boolean;
}

interface Candidate extends Beam {
  /** Which running beam it goes on from. */
  parent: number;
  stops: boolean;
}

/** The beams of one prompt. */
interface Search {
  running: Beam[];
  /** The best finished so far; places not taken yet have the lowest score. */
  finished: Beam[];
  /** False once no running beam is thought to beat the finished ones. */
  canImprove: boolean;
}

const HOPELESS = -1e9;

/**
 * Beam search with the book-keeping of transformers 4.57, so that ids agree: from each set of running beams the
 * best max(2, 1 + number of end tokens) * beams continuations are kept as candidates; those among the first
 * `beams` that stop compete for the finished places with their score over length^lengthPenalty.
 */
export async function beamSearch(session: DecodingSession, run: Run): Promise<GenerateOutput> {
  const { options, prompts, promptLength } = run;
  const { numBeams = 1, numReturnSequences = 1, signal } = options;
  // A padding token 0 counts as none here, as in Python: T5's beams are filled with the end token.
  const filler = options.padTokenId || (options.eosTokenIds[0] ?? options.padTokenId);
  const searches: Search[] = prompts.map((prompt) => ({
    running: Array.from({ length: numBeams }, (_, i) => ({
      tokens: [...prompt],
      score: i === 0 ? 0 : HOPELESS,
      finished: false,
    })),
    finished: Array.from({ length: numBeams }, () => ({
      tokens: [...prompt],
      score: HOPELESS,
      finished: false,
    })),
    canImprove: true,
  }));
  const kept: Float32Array[] = [];
  let logits = session.step(prompts);
  session.reorder(prompts.flatMap((_, i) => Array.from({ length: numBeams }, () => i)));
  let rowOf = (search: number, _beam: number): number => search;

  for (let length = promptLength; ; ) {
    signal?.throwIfAborted();
    const logProbabilities = searches.map((search, s) =>
      scoreRows(logits, session.vocabSize, search, run, (beam) => rowOf(s, beam)),
    );
    if (options.outputScores) kept.push(joinRows(logProbabilities, session.vocabSize));
    const candidates = searches.map((search, s) => chooseCandidates(search, logProbabilities[s]!, run));
    const allStop = candidates.every((list) => list.every(({ stops }) => stops));
    const parents = searches.map((search, s) => advance(search, candidates[s]!, run, length));
    length++;
    for (const search of searches) updateCanImprove(search, run, length);
    const full = searches.every(({ finished }) => finished.every((beam) => beam.finished));
    const goesOn = searches.some(({ canImprove }) => canImprove) && !(full && options.earlyStopping === true);
    if (!goesOn || allStop) break;
    session.reorder(parents.flatMap((beams, s) => beams.map((beam) => s * numBeams + beam)));
    logits = session.step(searches.flatMap(({ running }) => running.map(({ tokens }) => [tokens.at(-1)!])));
    rowOf = (search, beam) => search * numBeams + beam;
    await yieldToEvents();
  }

  const best = searches.flatMap(({ finished }) => finished.slice(0, numReturnSequences));
  const longest = Math.max(...best.map(({ tokens }) => tokens.length));
  return {
    sequences: best.map(({ tokens }) => [
      ...tokens,
      ...Array.from({ length: longest - tokens.length }, () => filler),
    ]),
    sequencesScores: best.map(({ score }) => score),
    ...(options.outputScores ? { scores: kept } : {}),
  };
}

/** Processed log-probabilities of each running beam of one prompt. */
function scoreRows(
  logits: Float32Array,
  vocabSize: number,
  search: Search,
  run: Run,
  rowOf: (beam: number) => number,
): Float32Array[] {
  return search.running.map(({ tokens }, beam) => {
    const row = rowOf(beam);
    const scores = logits.slice(row * vocabSize, (row + 1) * vocabSize);
    logSoftmax(scores);
    const context = { tokens, promptLength: run.promptLength };
    for (const process of run.processors) process(scores, context);
    for (const warp of run.warpers) warp(scores, context);
    if (run.options.renormalizeLogits) logSoftmax(scores);
    return scores;
  });
}

function chooseCandidates(search: Search, rows: readonly Float32Array[], run: Run): Candidate[] {
  const { options } = run;
  const numBeams = search.running.length;
  const keep = Math.max(2, 1 + options.eosTokenIds.length) * numBeams;
  const vocabSize = rows[0]!.length;
  const totals = new Float32Array(numBeams * vocabSize);
  for (let beam = 0; beam < numBeams; beam++) {
    const { score } = search.running[beam]!;
    for (let token = 0; token < vocabSize; token++)
      totals[beam * vocabSize + token] = rows[beam]![token]! + score;
  }
  const isDone = buildStopping(options);
  return pick(totals, keep, options.doSample === true, run.random).map((index) => {
    const parent = Math.floor(index / vocabSize);
    const tokens = [...search.running[parent]!.tokens, index % vocabSize];
    const stops = isDone({ tokens, promptLength: run.promptLength });
    return { tokens, score: totals[index]!, finished: false, parent, stops };
  });
}

function pick(totals: Float32Array, count: number, doSample: boolean, random: Random): number[] {
  return doSample ? sampleWithoutReplacement(totals, count, random) : topIndices(totals, count);
}

/** Takes the next running beams and the finished ones from the candidates; gives the parents of the former. */
function advance(
  search: Search,
  candidates: readonly Candidate[],
  { options, promptLength }: Run,
  length: number,
): number[] {
  const numBeams = search.running.length;
  const goingOn = highest(
    candidates.map((each) => ({ ...each, score: each.score + (each.stops ? HOPELESS : 0) })),
    numBeams,
  );
  const penalty = (length + 1 - promptLength) ** (options.lengthPenalty ?? 1);
  const full = search.finished.every(({ finished }) => finished) && options.earlyStopping === true;
  const ending = candidates.map((each, rank): Beam => {
    const finished = each.stops && rank < numBeams;
    const barred = (full ? HOPELESS : 0) + (search.canImprove ? 0 : HOPELESS) + (finished ? 0 : HOPELESS);
    return { tokens: each.tokens, score: Math.fround(Math.fround(each.score / penalty) + barred), finished };
  });
  search.finished = highest([...search.finished, ...ending], numBeams);
  search.running = goingOn.map(({ tokens, score }) => ({ tokens, score, finished: false }));
  return goingOn.map(({ parent }) => parent);
}

function updateCanImprove(search: Search, { options, promptLength }: Run, length: number): void {
  const { lengthPenalty = 1, earlyStopping = false, maxTotalLength } = options;
  const reach = earlyStopping === 'never' && lengthPenalty > 0 ? maxTotalLength : length;
  const best = search.running[0]!.score / (reach - promptLength) ** lengthPenalty;
  const worst = Math.min(...search.finished.map(({ score }) => score));
  const bound = search.finished.map(({ finished }) => (finished ? worst : HOPELESS));
  search.canImprove &&= bound.some((score) => best > score);
}

/** The n best, falling; of equals the first. */
function highest<T extends { score: number }>(beams: readonly T[], n: number): T[] {
  return beams
    .map((beam, index) => ({ beam, index }))
    .sort((a, b) => b.beam.score - a.beam.score || a.index - b.index)
    .slice(0, n)
    .map(({ beam }) => beam);
}

function joinRows(rows: readonly (readonly Float32Array[])[], vocabSize: number): Float32Array {
  const all = rows.flat();
  const joined = new Float32Array(all.length * vocabSize);
  for (const [i, row] of all.entries()) joined.set(row, i * vocabSize);
  return joined;
}
