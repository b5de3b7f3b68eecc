import { expNegative, kthLargest, maxOf, sumExp, topIndices, weightedQuantile } from './numeric.js';
import type { ResolvedOptions } from './options.js';

/** Drops unlikely tokens before sampling, by setting their scores to minus infinity in place. */
export type LogitsWarper = (scores: Float32Array) => void;

const NEVER = Number.NEGATIVE_INFINITY;

/** Below 1 sharpens the distribution, above 1 flattens it. */
export function temperature(value: number): LogitsWarper {
  const rounded = Math.fround(value);
  return (scores) => {
    for (let i = 0; i < scores.length; i++) scores[i]! /= rounded;
  };
}

/** Keeps the k highest scores, and those equal to the last of them. */
export const topK =
  (k: number, minKeep = 1): LogitsWarper =>
  (scores) => {
    const keep = Math.max(k, minKeep);
    if (keep >= scores.length) return;
    const threshold = kthLargest(scores, keep);
    for (let i = 0; i < scores.length; i++) if (scores[i]! < threshold) scores[i] = NEVER;
  };

/** An array of at least `length` that is made once and used again for each token. */
function scratch(): (length: number) => Float64Array {
  let kept = new Float64Array(0);
  return (length) => {
    if (kept.length < length) kept = new Float64Array(length);
    return kept.subarray(0, length);
  };
}

/** Fills weights with e^(score - best); gives their sum. */
function weigh(scores: Float32Array, best: number, weights: Float64Array): number {
  let total = 0;
  for (let i = 0; i < scores.length; i++) {
    const weight = expNegative(scores[i]! - best);
    weights[i] = weight;
    total += weight;
  }
  return total;
}

/** Keeps the likeliest tokens whose probabilities first add up to p (Holtzman et al., 2020). */
export function topP(p: number, minKeep = 1): LogitsWarper {
  const weightsOf = scratch();
  return (scores) => {
    const best = maxOf(scores);
    const weights = weightsOf(scores.length);
    const droppable = (1 - p) * weigh(scores, best, weights);
    const { key, below } = weightedQuantile(scores, weights, (sum) => sum > droppable);
    const kept = kthLargest(scores, Math.min(minKeep, scores.length));
    // At p = 0 no sum is enough: all go that may.
    const room = key > kept || p === 0 ? Number.POSITIVE_INFINITY : droppable - below;
    dropLowest(scores, Math.min(key, kept), minKeep, Math.floor(room / expNegative(key - best)));
  };
}

/** Drops what is below `key`, and `count` of those equal to it as long as `minKeep` tokens are left. */
function dropLowest(scores: Float32Array, key: number, minKeep: number, count: number): void {
  const equal: number[] = [];
  let above = 0;
  for (let i = 0; i < scores.length; i++) {
    if (scores[i]! < key) scores[i] = NEVER;
    else if (scores[i]! > key) above++;
    else equal.push(i);
  }
  const spare = equal.length - Math.max(0, minKeep - above);
  for (const i of equal.slice(0, Math.max(0, Math.min(spare, count)))) scores[i] = NEVER;
}

/** Keeps tokens at least p times as likely as the likeliest (Nguyen et al., 2024). */
export const minP =
  (p: number, minKeep = 1): LogitsWarper =>
  (scores) => {
    const best = maxOf(scores);
    const kept = minKeep > 1 ? topIndices(scores, minKeep).map((i) => [i, scores[i]!] as const) : [];
    for (let i = 0; i < scores.length; i++) if (expNegative(scores[i]! - best) < p) scores[i] = NEVER;
    for (const [i, score] of kept) scores[i] = score;
  };

function entropyOf(scores: Float32Array, best: number, total: number): number {
  let weighted = 0;
  for (let i = 0; i < scores.length; i++) {
    const below = scores[i]! - best;
    const weight = expNegative(below);
    if (weight > 0) weighted += weight * below;
  }
  return Math.log(total) - weighted / total;
}

/** Keeps the tokens whose surprise is nearest to the expected one, up to a mass (Meister et al., 2022). */
export function typicalP(mass: number, minKeep = 1): LogitsWarper {
  const weightsOf = scratch();
  const distancesOf = scratch();
  return (scores) => {
    const best = maxOf(scores);
    const weights = weightsOf(scores.length);
    const distances = distancesOf(scores.length);
    const total = weigh(scores, best, weights);
    const expected = entropyOf(scores, best, total) - Math.log(total);
    for (let i = 0; i < scores.length; i++) distances[i] = Math.abs(best - scores[i]! - expected);
    const { key } = weightedQuantile(distances, weights, (sum) => sum >= mass * total);
    const kept = new Set(
      minKeep > 1
        ? topIndices(
            Float32Array.from(distances, (d) => -d),
            minKeep,
          )
        : [],
    );
    for (let i = 0; i < scores.length; i++) if (distances[i]! > key && !kept.has(i)) scores[i] = NEVER;
  };
}

/** Drops tokens less likely than `cutoff`, but never the `minKeep` highest scores and those equal to them. */
function dropBelow(scores: Float32Array, best: number, cutoff: number, minKeep: number): void {
  const kept = minKeep > 1 ? kthLargest(scores, Math.min(minKeep, scores.length)) : best;
  for (let i = 0; i < scores.length; i++) {
    const score = scores[i]!;
    if (score < kept && expNegative(score - best) < cutoff) scores[i] = NEVER;
  }
}

/** Drops tokens less likely than epsilon (Hewitt et al., 2022). */
export const epsilonCutoff =
  (epsilon: number, minKeep = 1): LogitsWarper =>
  (scores) => {
    const best = maxOf(scores);
    dropBelow(scores, best, epsilon * sumExp(scores, best), minKeep);
  };

/** Drops tokens less likely than min(epsilon, sqrt(epsilon) e^-entropy) (Hewitt et al., 2022). */
export const etaCutoff =
  (epsilon: number, minKeep = 1): LogitsWarper =>
  (scores) => {
    const best = maxOf(scores);
    const total = sumExp(scores, best);
    const eta = Math.min(epsilon, Math.sqrt(epsilon) * Math.exp(-entropyOf(scores, best, total)));
    dropBelow(scores, best, eta * total, minKeep);
  };

/** The filters of sampling, in the order of transformers: those before top-k, its k, those after it. */
export interface Warpers {
  before: LogitsWarper[];
  /** Undefined where all tokens stay. */
  k: number | undefined;
  after: LogitsWarper[];
}

export function buildWarpers(options: ResolvedOptions): Warpers {
  const { temperature: heat = 1, topK: k = 50, topP: p = 1, minP: floor, typicalP: mass = 1 } = options;
  const { epsilonCutoff: epsilon = 0, etaCutoff: eta = 0, numBeams = 1 } = options;
  // Beams need a token to go on with beside all that end them.
  const minKeep = numBeams > 1 ? Math.max(1, options.eosTokenIds.length) + 1 : 1;
  const after: LogitsWarper[] = [];
  if (p < 1) after.push(topP(p, minKeep));
  if (floor !== undefined) after.push(minP(floor, minKeep));
  if (mass < 1) after.push(typicalP(mass, minKeep));
  if (epsilon > 0 && epsilon < 1) after.push(epsilonCutoff(epsilon, minKeep));
  if (eta > 0 && eta < 1) after.push(etaCutoff(eta, minKeep));
  return {
    before: heat === 1 ? [] : [temperature(heat)],
    k: k > 0 ? Math.max(k, minKeep) : undefined,
    after,
  };
}
