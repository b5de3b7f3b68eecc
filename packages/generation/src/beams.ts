import { isPlain, processScores } from './choosing.js';
import { logSoftmax, sumExp, topIndices } from './numeric.js';
import type { ResolvedOptions } from './options.js';
import { gumbel, Random } from './random.js';
import type { Run } from './run.js';
import type { LikeliestTokens } from './session.js';

/** A text that is being written, or one that is done. */
export interface Beam {
  tokens: number[];
  /** Sum of log-probabilities while it runs; over the penalized length once it is done. */
  score: number;
  finished: boolean;
  /** Where the logits of its next token stand in the session's batch. */
  place: number;
  /** Per new token, the row (prompt * numBeams + beam) that it went on from. */
  origins: number[];
}

/** A running beam and one more token. */
export interface Candidate extends Beam {
  stops: boolean;
}

/** The beams of one prompt. */
export interface Search {
  promptIndex: number;
  running: Beam[];
  /** The best that are done, falling; places not taken yet have the lowest score. */
  finished: Beam[];
  /** False once no running beam is thought to beat the finished ones. */
  canImprove: boolean;
  random: Random;
}

/** What transformers gives beams that must not be chosen; at this size float32 forgets the rest of the score. */
export const HOPELESS = -1e9;

export function startSearches({ prompts, options, seed }: Run): Search[] {
  return prompts.map((prompt, promptIndex) => {
    const beam = { tokens: [...prompt], finished: false, place: promptIndex, origins: [] };
    return {
      promptIndex,
      // The beams of a prompt begin as one.
      running: [{ ...beam, score: 0 }],
      finished: Array.from({ length: options.numBeams }, () => ({ ...beam, score: HOPELESS })),
      canImprove: true,
      random: new Random(seed, promptIndex),
    };
  });
}

/** True once nothing that the search could still find would be returned. */
export function isSettled({ canImprove, finished }: Search, { options }: Run): boolean {
  return !canImprove || (options.earlyStopping === true && finished.every((beam) => beam.finished));
}

/** What a step of the model gives for each row: all logits, or the likeliest tokens with their log-probabilities. */
export type StepScores =
  | { logits: Float32Array; vocabSize: number }
  | (LikeliestTokens & { logits?: never; count: number });

/** Continuations a beam and prompt: enough that `numBeams` go on even where the first ones all end. */
export function candidateCount({ numBeams, eosTokenIds }: ResolvedOptions): number {
  return Math.max(2, 1 + eosTokenIds.length) * numBeams;
}

/** True where the likeliest tokens of each row are all that the search needs. */
export function takesLogitsAsTheyAre({ choosing, options }: Run): boolean {
  return isPlain(choosing) && !choosing.renormalize && !options.outputScores && !options.outputLogits;
}

/**
 * The likeliest continuations of a prompt's beams by one token, or as many drawn without replacement. Writes over the
 * logits.
 */
export function continuations(search: Search, scores: StepScores, run: Run): Candidate[] {
  const { options, isDone, promptLength } = run;
  const { numBeams } = options;
  const count = candidateCount(options);
  const drafts = search.running.flatMap((beam, index) => {
    const found = scores.logits
      ? continueBeam(beam, rowOf(scores.logits, beam, scores.vocabSize), count, search, run)
      : likeliest(beam, scores);
    return found.map((draft) => ({ ...draft, beam, index }));
  });
  drafts.sort((a, b) => b.rank - a.rank);
  return drafts.slice(0, count).map(({ beam, index, token, score }) => {
    const tokens = [...beam.tokens, token];
    const stops = isDone({ tokens, promptLength, promptIndex: search.promptIndex });
    const origins = [...beam.origins, search.promptIndex * numBeams + index];
    return { tokens, score, finished: false, place: beam.place, origins, stops };
  });
}

interface Draft {
  token: number;
  score: number;
  /** By what drafts are ordered: the score, or when sampling the order of drawing. */
  rank: number;
}

const rowOf = (values: Float32Array, { place }: Beam, size: number): Float32Array =>
  values.subarray(place * size, (place + 1) * size);

function likeliest(
  beam: Beam,
  { tokens, logProbabilities, count }: LikeliestTokens & { count: number },
): Draft[] {
  const drafts: Draft[] = [];
  for (let i = beam.place * count; i < (beam.place + 1) * count; i++) {
    const logProbability = logProbabilities[i]!;
    // Neither what cannot come nor what is no number is a continuation.
    if (!(logProbability > Number.NEGATIVE_INFINITY)) continue;
    const score = Math.fround(logProbability + beam.score);
    drafts.push({ token: tokens[i]!, score, rank: score });
  }
  return drafts;
}

function continueBeam(
  beam: Beam,
  scores: Float32Array,
  count: number,
  { promptIndex, random }: Search,
  { choosing, options, promptLength }: Run,
): Draft[] {
  const { renormalize } = choosing;
  const total = (logProbability: number): number => Math.fround(logProbability + beam.score);
  if (isPlain(choosing) && !renormalize && !options.outputScores) {
    // The order of logits is that of log-probabilities: those of the few that are taken are enough.
    const top = topIndices(scores, count);
    const best = scores[top[0] ?? 0]!;
    const logSum = Math.fround(Math.log(sumExp(scores, best)));
    return top.map((token) => {
      const score = total(Math.fround(Math.fround(scores[token]! - best) - logSum));
      return { token, score, rank: score };
    });
  }
  logSoftmax(scores);
  processScores(scores, { tokens: beam.tokens, promptLength, promptIndex }, choosing);
  if (!options.doSample) {
    return topIndices(scores, count).map((token) => {
      const score = total(scores[token]!);
      return { token, score, rank: score };
    });
  }
  const ranks = scores.map((score) =>
    score === Number.NEGATIVE_INFINITY ? score : score + beam.score + gumbel(random),
  );
  return topIndices(ranks, count).map((token) => ({
    token,
    score: total(scores[token]!),
    rank: ranks[token]!,
  }));
}

/** The n best, falling; of equals the first. */
function highest<T extends { score: number }>(beams: readonly T[], n: number): T[] {
  return [...beams].sort((a, b) => b.score - a.score).slice(0, n);
}

/**
 * Takes the next running beams and the finished ones from the candidates, with the book-keeping of transformers 4.57:
 * only those among the first `numBeams` candidates that stop compete for the finished places, with their score over
 * length^lengthPenalty. `length` is that of the beams before the new token.
 */
export function advance(search: Search, candidates: readonly Candidate[], run: Run, length: number): void {
  const { options, promptLength } = run;
  const { numBeams } = options;
  const full = search.finished.every(({ finished }) => finished) && options.earlyStopping === true;
  const barred = full || !search.canImprove;
  const penalty = Math.fround((length + 1 - promptLength) ** (options.lengthPenalty ?? 1));
  const ending = candidates
    .slice(0, numBeams)
    .filter(({ stops }) => stops && !barred)
    .map((each): Beam => ({ ...each, score: Math.fround(each.score / penalty), finished: true }));
  search.finished = highest([...search.finished, ...ending], numBeams);
  search.running = highest(
    candidates.filter(({ stops }) => !stops),
    numBeams,
  );
  search.canImprove &&= canImprove(search, run, length + 1);
}

/** Whether the best running beam, at the length that flatters it most, would beat the worst finished one. */
function canImprove({ running, finished }: Search, { options, promptLength }: Run, length: number): boolean {
  if (running.length === 0) return false;
  const { lengthPenalty = 1, earlyStopping = false, maxTotalLength } = options;
  const reach = earlyStopping === 'never' && lengthPenalty > 0 ? maxTotalLength : length;
  const best = Math.fround(running[0]!.score / Math.fround((reach - promptLength) ** lengthPenalty));
  const worst = finished.at(-1)!;
  return !worst.finished || best > worst.score;
}
