import { argMax, kthLargest, logSoftmax } from './numeric.js';
import type { LogitsProcessor, RowContext } from './processors.js';
import { type Random, sample } from './random.js';
import { fail } from './resolve.js';
import type { Warpers } from './warpers.js';

/** What turns the logits of a row into its next token. */
export interface Choosing {
  processors: readonly LogitsProcessor[];
  /** Of sampling only: greedy decoding and plain beams take scores as they are. */
  warpers: Warpers | undefined;
  renormalize: boolean;
}

/** True where nothing changes the logits, so that their order decides. */
export const isPlain = ({ processors, warpers }: Choosing): boolean => processors.length === 0 && !warpers;

const NEVER = Number.NEGATIVE_INFINITY;

/** Runs all processors and filters over a row's scores, in place. */
export function processScores(scores: Float32Array, context: RowContext, choosing: Choosing): void {
  for (const process of choosing.processors) process(scores, context);
  const { warpers } = choosing;
  if (warpers) {
    for (const warp of warpers.before) warp(scores);
    if (warpers.k !== undefined && warpers.k < scores.length) {
      const threshold = kthLargest(scores, warpers.k);
      for (let i = 0; i < scores.length; i++) if (scores[i]! < threshold) scores[i] = NEVER;
    }
    for (const warp of warpers.after) warp(scores);
  }
  if (choosing.renormalize) logSoftmax(scores);
}

/**
 * The next token of a row. Writes over `scores`; with `wantScores` they are what all processors and filters made of
 * them, without only the choice counts.
 */
export function chooseToken(
  scores: Float32Array,
  context: RowContext,
  choosing: Choosing,
  random: Random,
  wantScores: boolean,
): number {
  const { warpers } = choosing;
  if (!warpers) {
    for (const process of choosing.processors) process(scores, context);
    if (choosing.renormalize && wantScores) logSoftmax(scores);
    return argMax(scores);
  }
  if (wantScores || warpers.k === undefined || warpers.k * 4 > scores.length) {
    processScores(scores, context, choosing);
    return drawn(sample(scores, random), context);
  }
  // The filters do not care which token a score belongs to: past the first k they see those k alone.
  for (const process of choosing.processors) process(scores, context);
  for (const warp of warpers.before) warp(scores);
  const { kept, ids } = gatherTop(scores, warpers.k);
  for (const warp of warpers.after) warp(kept);
  return drawn(ids[sample(kept, random)] ?? -1, context);
}

function gatherTop(scores: Float32Array, k: number): { kept: Float32Array; ids: number[] } {
  const threshold = kthLargest(scores, k);
  const ids: number[] = [];
  for (let i = 0; i < scores.length; i++) {
    if (scores[i]! >= threshold && scores[i]! !== NEVER) ids.push(i);
  }
  return { kept: Float32Array.from(ids, (i) => scores[i]!), ids };
}

function drawn(token: number, { tokens, promptIndex }: RowContext): number {
  if (token >= 0) return token;
  return fail(
    'a token with a finite score to draw',
    `none for prompt ${promptIndex} after ${tokens.length} tokens`,
    'loosen what forbids tokens, or look for numbers that are not finite in the weights',
  );
}
