import { expNegative, maxOf, sumExp } from './numeric.js';

/**
 * Numbers in [0, 1) with 32 random bits: Chris Doty-Humphrey's sfc32, its state filled from the seed and the stream by
 * a 32-bit mixer. The same on every machine; streams of one seed are independent of each other.
 */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(seed: number, stream = 0) {
    // Seeds may be larger than 32 bits: both halves count.
    let state = (seed ^ Math.floor(seed / 2 ** 32)) >>> 0;
    const mix = (): number => {
      state = (state + 0x9e3779b9) >>> 0;
      let z = state;
      z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
      z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
      return (z ^ (z >>> 16)) >>> 0;
    };
    this.#a = mix();
    this.#b = mix();
    this.#c = (mix() ^ Math.imul(stream, 0x9e3779b1)) >>> 0;
    for (let i = 0; i < 15; i++) this.next();
  }

  next(): number {
    const sum = (((this.#a + this.#b) >>> 0) + this.#counter) >>> 0;
    this.#counter = (this.#counter + 1) >>> 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) >>> 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) >>> 0;
    return sum / 4294967296;
  }
}

/** Draws an index with probability softmax(scores); -1 where no score is finite. */
export function sample(scores: Float32Array, random: Random): number {
  const best = maxOf(scores);
  // Also false for infinite scores and for none.
  if (!Number.isFinite(best)) return -1;
  let left = random.next() * sumExp(scores, best);
  let last = 0;
  for (let i = 0; i < scores.length; i++) {
    const weight = expNegative(scores[i]! - best);
    if (weight === 0) continue;
    last = i;
    left -= weight;
    if (left < 0) return i;
  }
  return last;
}

/** Draws an index with probability weights[i] over their sum; -1 where all are 0. */
export function sampleWeighted(weights: Float32Array, random: Random): number {
  let total = 0;
  for (let i = 0; i < weights.length; i++) total += weights[i]!;
  let left = random.next() * total;
  let last = -1;
  for (let i = 0; i < weights.length; i++) {
    if (weights[i] === 0) continue;
    last = i;
    left -= weights[i]!;
    if (left < 0) return i;
  }
  return last;
}

/**
 * Standard Gumbel noise: the k highest of score + noise are k indices drawn from softmax(scores) without replacement,
 * in the order of drawing.
 */
export function gumbel(random: Random): number {
  return -Math.log(-Math.log((random.next() * 4294967296 + 0.5) / 4294967296));
}
