/** Numbers in [0, 1) from a 32-bit seed (sfc32, seeded by splitmix): the same on every machine. */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(seed: number) {
    let state = seed >>> 0;
    const split = (): number => {
      state = (state + 0x9e3779b9) >>> 0;
      let z = state;
      z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
      z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
      return (z ^ (z >>> 16)) >>> 0;
    };
    this.#a = split();
    this.#b = split();
    this.#c = split();
    for (let i = 0; i < 12; i++) this.next();
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

/** Draws a token from scores: probability by softmax. */
export function sample(scores: Float32Array, random: Random): number {
  let best = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < scores.length; i++) if (scores[i]! > best) best = scores[i]!;
  let total = 0;
  for (let i = 0; i < scores.length; i++) total += Math.exp(scores[i]! - best);
  let left = random.next() * total;
  let last = 0;
  for (let i = 0; i < scores.length; i++) {
    const weight = Math.exp(scores[i]! - best);
    if (weight === 0) continue;
    last = i;
    left -= weight;
    if (left < 0) return i;
  }
  return last;
}

/** Draws k different tokens, one after the other, by the Gumbel trick; in the order in which they are drawn. */
export function sampleWithoutReplacement(scores: Float32Array, k: number, random: Random): number[] {
  const keys = scores.map((score) =>
    score === Number.NEGATIVE_INFINITY
      ? score
      : score - Math.log(-Math.log(random.next() || Number.MIN_VALUE)),
  );
  return [...keys.keys()].sort((a, b) => keys[b]! - keys[a]! || a - b).slice(0, k);
}
