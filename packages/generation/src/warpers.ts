import { logSumExp } from './numeric.js';
import type { ResolvedOptions } from './options.js';
import type { LogitsProcessor } from './processors.js';

const NEVER = Number.NEGATIVE_INFINITY;

export const temperature =
  (value: number): LogitsProcessor =>
  (scores) => {
    for (let i = 0; i < scores.length; i++) scores[i]! /= value;
  };

/** Keeps the k highest scores, and those equal to the last of them. */
export const topK =
  (k: number, minKeep = 1): LogitsProcessor =>
  (scores) => {
    const keep = Math.max(k, minKeep);
    if (keep >= scores.length) return;
    const threshold = kthLargest(scores, keep);
    for (let i = 0; i < scores.length; i++) if (scores[i]! < threshold) scores[i] = NEVER;
  };

/** Keeps the likeliest tokens whose probabilities first add up to p (Holtzman et al., 2020). */
export const topP =
  (p: number, minKeep = 1): LogitsProcessor =>
  (scores) => {
    const order = sortedIndices(scores);
    const total = logSumExp(scores);
    // Counted from the unlikely end, as the tail of at most 1 - p that is dropped.
    let tail = 0;
    for (let rank = order.length - 1; rank >= minKeep; rank--) {
      const token = order[rank]!;
      tail += Math.exp(scores[token]! - total);
      if (tail > 1 - p) break;
      scores[token] = NEVER;
    }
    dropUnsorted(scores, order);
  };

/** Keeps tokens at least p times as likely as the likeliest (Nguyen et al., 2024). */
export const minP =
  (p: number, minKeep = 1): LogitsProcessor =>
  (scores) => {
    const total = logSumExp(scores);
    let best = NEVER;
    for (let i = 0; i < scores.length; i++) if (scores[i]! > best) best = scores[i]!;
    const threshold = p * Math.exp(best - total);
    keepAbove(scores, minKeep, (score) => Math.exp(score - total) >= threshold);
  };

/** Keeps the tokens whose surprise is nearest to the expected one, up to a mass (Meister et al., 2022). */
export const typicalP =
  (mass: number, minKeep = 1): LogitsProcessor =>
  (scores) => {
    const total = logSumExp(scores);
    let entropy = 0;
    for (const score of scores) if (score !== NEVER) entropy -= Math.exp(score - total) * (score - total);
    const candidates = [...scores.keys()].filter((i) => scores[i] !== NEVER);
    const distance = (i: number): number => Math.abs(total - scores[i]! - entropy);
    candidates.sort((a, b) => distance(a) - distance(b) || a - b);
    let sum = 0;
    let last = 0;
    while (last < candidates.length) {
      sum += Math.exp(scores[candidates[last]!]! - total);
      if (sum >= mass) break;
      last++;
    }
    for (const i of candidates.slice(Math.max(last + 1, minKeep))) scores[i] = NEVER;
  };

/** Drops tokens less likely than epsilon (Hewitt et al., 2022). */
export const epsilonCutoff =
  (epsilon: number, minKeep = 1): LogitsProcessor =>
  (scores) => {
    const total = logSumExp(scores);
    keepAbove(scores, minKeep, (score) => Math.exp(score - total) >= epsilon);
  };

/** Drops tokens less likely than min(epsilon, sqrt(epsilon) e^-entropy) (Hewitt et al., 2022). */
export const etaCutoff =
  (epsilon: number, minKeep = 1): LogitsProcessor =>
  (scores) => {
    const total = logSumExp(scores);
    let entropy = 0;
    for (const score of scores) if (score !== NEVER) entropy -= Math.exp(score - total) * (score - total);
    const eta = Math.min(epsilon, Math.sqrt(epsilon) * Math.exp(-entropy));
    keepAbove(scores, minKeep, (score) => Math.exp(score - total) >= eta);
  };

/** The filters of sampling, in the order of transformers. */
export function buildWarpers(options: ResolvedOptions): LogitsProcessor[] {
  const { topK: k = 50, topP: p = 1, minP: floor, numBeams = 1 } = options;
  // Beams need as many choices as candidates that are kept.
  const minKeep = numBeams > 1 ? Math.max(1, options.eosTokenIds.length) + 1 : 1;
  const list: LogitsProcessor[] = [];
  if (options.temperature !== undefined && options.temperature !== 1)
    list.push(temperature(options.temperature));
  if (k > 0) list.push(topK(k, minKeep));
  if (p < 1) list.push(topP(p, minKeep));
  if (floor !== undefined) list.push(minP(floor, minKeep));
  if (options.typicalP !== undefined && options.typicalP < 1) list.push(typicalP(options.typicalP, minKeep));
  if (options.epsilonCutoff) list.push(epsilonCutoff(options.epsilonCutoff, minKeep));
  if (options.etaCutoff) list.push(etaCutoff(options.etaCutoff, minKeep));
  return list;
}

/** Drops what fails the test, but never the `minKeep` highest scores (and those equal to the last of them). */
function keepAbove(scores: Float32Array, minKeep: number, passes: (score: number) => boolean): void {
  const floor = kthLargest(scores, Math.min(minKeep, scores.length));
  for (let i = 0; i < scores.length; i++) {
    const score = scores[i]!;
    if (score < floor && !passes(score)) scores[i] = NEVER;
  }
}

/** The k-th largest value, by a heap of k values: one pass over the vocabulary. */
export function kthLargest(scores: Float32Array, k: number): number {
  const heap = new Float32Array(k).fill(NEVER);
  for (let i = 0; i < scores.length; i++) {
    const score = scores[i]!;
    if (!(score > heap[0]!)) continue;
    let hole = 0;
    for (let child = 1; child < k; child = 2 * hole + 1) {
      if (child + 1 < k && heap[child + 1]! < heap[child]!) child++;
      if (heap[child]! >= score) break;
      heap[hole] = heap[child]!;
      hole = child;
    }
    heap[hole] = score;
  }
  return heap[0]!;
}

// Below this many times less likely than the best, a token cannot matter to a sum of float32 probabilities.
const NEGLIGIBLE = 40;

/** Tokens by falling score; those too unlikely to count are left out. */
function sortedIndices(scores: Float32Array): number[] {
  let best = NEVER;
  for (let i = 0; i < scores.length; i++) if (scores[i]! > best) best = scores[i]!;
  const indices: number[] = [];
  for (let i = 0; i < scores.length; i++) if (scores[i]! > best - NEGLIGIBLE) indices.push(i);
  return indices.sort((a, b) => scores[b]! - scores[a]! || a - b);
}

function dropUnsorted(scores: Float32Array, kept: readonly number[]): void {
  if (kept.length === scores.length) return;
  const floor = scores[kept[0]!]! - NEGLIGIBLE;
  for (let i = 0; i < scores.length; i++) if (scores[i]! <= floor) scores[i] = NEVER;
}
