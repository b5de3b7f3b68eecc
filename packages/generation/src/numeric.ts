// exp(x) = 2^whole * 2^(step/64) * a short series: some four times as fast as Math.exp, to 12 digits. Sums over the
// vocabulary, one a token, are what generation spends its own time on.
const STEPS = 64;
const STEPS_PER_UNIT = STEPS / Math.LN2;
const STEP = Math.LN2 / STEPS;
const FRACTIONS = Float64Array.from({ length: STEPS }, (_, i) => 2 ** (i / STEPS));
const WHOLES = Float64Array.from({ length: 256 }, (_, i) => 2 ** -i);
// Smaller than what a float64 sum that holds a 1 can notice, whatever the size of the vocabulary.
const NEGLIGIBLE = -100;

/** e^x for x <= 0; 0 below -100. */
export function expNegative(x: number): number {
  if (!(x > NEGLIGIBLE)) return 0;
  const n = Math.floor(x * STEPS_PER_UNIT);
  const r = x - n * STEP;
  const series = 1 + r * (1 + r * (0.5 + r * (1 / 6 + r * (1 / 24))));
  return WHOLES[-(n >> 6)]! * FRACTIONS[n & 63]! * series;
}

/** The highest score; minus infinity for none. */
export function maxOf(scores: Float32Array): number {
  let best = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < scores.length; i++) {
    const score = scores[i]!;
    if (score > best) best = score;
  }
  return best;
}

/** Sum of e^(score - best), where `best` is the highest score: the denominator of the softmax. */
export function sumExp(scores: Float32Array, best: number): number {
  if (best === Number.NEGATIVE_INFINITY) return 0;
  let sum = 0;
  for (let i = 0; i < scores.length; i++) sum += expNegative(scores[i]! - best);
  return sum;
}

/** log of the sum of exponentials, without overflow; minus infinity counts nothing. */
export function logSumExp(scores: Float32Array): number {
  const best = maxOf(scores);
  return best === Number.NEGATIVE_INFINITY ? best : best + Math.log(sumExp(scores, best));
}

/** The two terms that turn a score into a log-probability, rounded where PyTorch rounds: (score - best) - logSum. */
export interface LogNormalizer {
  best: number;
  logSum: number;
}

export function logNormalizer(scores: Float32Array): LogNormalizer {
  const best = maxOf(scores);
  return { best, logSum: Math.fround(Math.log(sumExp(scores, best))) };
}

/** Turns scores into log-probabilities in place. */
export function logSoftmax(scores: Float32Array): void {
  const { best, logSum } = logNormalizer(scores);
  if (best === Number.NEGATIVE_INFINITY) return;
  for (let i = 0; i < scores.length; i++) scores[i] = Math.fround(scores[i]! - best) - logSum;
}

/** Turns scores into probabilities in place. */
export function softmax(scores: Float32Array): void {
  const best = maxOf(scores);
  const sum = sumExp(scores, best);
  for (let i = 0; i < scores.length; i++) scores[i] = expNegative(scores[i]! - best) / sum;
}

/** The index of the highest score, the first of equals. */
export function argMax(scores: Float32Array): number {
  let best = 0;
  let highest = scores[0]!;
  for (let i = 1; i < scores.length; i++) {
    const score = scores[i]!;
    if (score > highest) {
      highest = score;
      best = i;
    }
  }
  return best;
}

/** The indices of the k highest scores, falling; the first of equals first. Minus infinity is never among them. */
export function topIndices(scores: Float32Array, k: number): number[] {
  const best: number[] = [];
  let floor = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < scores.length; i++) {
    const score = scores[i]!;
    if (!(score > floor)) continue;
    let place = Math.min(best.length, k - 1);
    if (place < 0) break;
    while (place > 0 && score > scores[best[place - 1]!]!) {
      best[place] = best[place - 1]!;
      place--;
    }
    best[place] = i;
    if (best.length === k) floor = scores[best[k - 1]!]!;
  }
  return best;
}

/** The k-th largest value, by a heap of k values: one pass over the vocabulary. */
export function kthLargest(scores: Float32Array, k: number): number {
  const heap = new Float32Array(k).fill(Number.NEGATIVE_INFINITY);
  let floor = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < scores.length; i++) {
    const score = scores[i]!;
    if (!(score > floor)) continue;
    let hole = 0;
    for (let child = 1; child < k; child = 2 * hole + 1) {
      if (child + 1 < k && heap[child + 1]! < heap[child]!) child++;
      if (heap[child]! >= score) break;
      heap[hole] = heap[child]!;
      hole = child;
    }
    heap[hole] = score;
    floor = heap[0]!;
  }
  return floor;
}

const CELLS = 1024;

/**
 * Goes through items by rising key and adds their weights up until `enough` says so of the sum; gives the key of the
 * item where that happened (the highest where it never did) and the sum of all weights with smaller keys. Sums over
 * cells of keys first and looks into one cell only: linear in the number of items, where sorting them is not.
 */
export function weightedQuantile(
  keys: Float32Array | Float64Array,
  weights: Float64Array,
  enough: (sum: number) => boolean,
): { key: number; below: number } {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i]!;
    if (key < low && key !== Number.NEGATIVE_INFINITY) low = key;
    if (key > high && key !== Number.POSITIVE_INFINITY) high = key;
  }
  // Infinite keys fall into the cells at the ends.
  const scale = high > low ? (CELLS - 1) / (high - low) : 0;
  const cellOf = (key: number): number => {
    if (!(key > low)) return 0;
    return key < high ? Math.floor((key - low) * scale) : CELLS - 1;
  };
  const cells = new Float64Array(CELLS);
  let highest = Number.NEGATIVE_INFINITY;
  let total = 0;
  for (let i = 0; i < keys.length; i++) {
    cells[cellOf(keys[i]!)]! += weights[i]!;
    total += weights[i]!;
    highest = Math.max(highest, keys[i]!);
  }
  if (!enough(total)) return { key: highest, below: total };
  let cell = 0;
  let below = 0;
  while (cell < CELLS - 1 && !enough(below + cells[cell]!)) below += cells[cell++]!;
  const items: number[] = [];
  for (let i = 0; i < keys.length; i++) if (cellOf(keys[i]!) === cell) items.push(i);
  return quantileOf(items, keys, weights, enough, below);
}

/** Parts the items again and again, as quicksort does, but follows the one side that matters. */
function quantileOf(
  items: number[],
  keys: Float32Array | Float64Array,
  weights: Float64Array,
  enough: (sum: number) => boolean,
  start: number,
): { key: number; below: number } {
  let below = start;
  let rest = items;
  let last = Number.NEGATIVE_INFINITY;
  while (rest.length > 0) {
    const pivot = keys[rest[rest.length >> 1]!]!;
    const less = rest.filter((i) => keys[i]! < pivot);
    const sum = (list: readonly number[]): number => list.reduce((total, i) => total + weights[i]!, 0);
    const lighter = sum(less);
    if (enough(below + lighter) && less.length > 0) {
      rest = less;
      continue;
    }
    const equal = sum(rest.filter((i) => keys[i] === pivot));
    last = Math.max(last, pivot);
    if (enough(below + lighter + equal)) return { key: pivot, below: below + lighter };
    below += lighter + equal;
    rest = rest.filter((i) => keys[i]! > pivot);
  }
  return { key: last, below };
}
