/**
 * Interpolated Kneser-Ney with three discounts an order (Chen and Goodman, "An empirical study of smoothing
 * techniques for language modeling", 1998): what a neural language model has to beat.
 */

/** Stands before the first token of a document and is never predicted. */
const START = 0;

/** The n-grams of one length; a gram is known by the number of its context and its last token. */
class Grams {
  readonly #ids = new Map<number, number>();
  /** Occurrences of the longest grams, different left neighbours of shorter ones. */
  readonly counts: number[] = [];
  readonly contexts: number[] = [];

  constructor(readonly symbols: number) {}

  find(context: number, token: number): number | undefined {
    return this.#ids.get(context * this.symbols + token);
  }

  /** The gram's number, and whether it was not seen before. */
  add(context: number, token: number): { id: number; isNew: boolean } {
    const key = context * this.symbols + token;
    const known = this.#ids.get(key);
    if (known !== undefined) return { id: known, isNew: false };
    const id = this.counts.length;
    this.#ids.set(key, id);
    this.counts.push(0);
    this.contexts.push(context);
    return { id, isNew: true };
  }
}

interface Smoothing {
  /** What is taken from counts of 1, 2, and 3 or more. */
  discounts: readonly [number, number, number];
  /** Sum of counts after each context. */
  totals: Float64Array;
  /** What is taken away after each context, as a sum of counts. */
  taken: Float64Array;
}

/** A language model over n tokens at a time. */
export class KneserNey {
  readonly #grams: Grams[];
  #smoothing: Smoothing[] = [];

  /**
   * @param documents rows of ids below vocabSize
   * @param order the longest gram, context and token together
   */
  constructor(
    documents: Iterable<readonly number[]>,
    readonly vocabSize: number,
    readonly order = 5,
  ) {
    this.#grams = Array.from({ length: order }, () => new Grams(vocabSize + 1));
    for (const document of documents) this.#count(document);
    this.#smoothing = this.#grams.map((grams, level) =>
      smoothing(grams, level === 0 ? 1 : this.#grams[level - 1]!.counts.length),
    );
  }

  /** Negative log-likelihood of a document, in nats. */
  negativeLogLikelihood(document: readonly number[]): number {
    let sum = 0;
    let history = this.#startHistory((level, context, token) => this.#grams[level]!.find(context, token));
    for (const id of document) {
      sum -= Math.log(this.#probability(history, id + 1));
      history = this.#advance(history, id + 1);
    }
    return sum;
  }

  /** Probability of each token after the ones given; sums to 1. */
  distribution(context: readonly number[]): Float64Array {
    let history = this.#startHistory((level, before, token) => this.#grams[level]!.find(before, token));
    for (const id of context) history = this.#advance(history, id + 1);
    return Float64Array.from({ length: this.vocabSize }, (_, id) => this.#probability(history, id + 1));
  }

  #count(document: readonly number[]): void {
    let history = this.#startHistory((level, context, token) => this.#grams[level]!.add(context, token).id);
    for (const id of document) {
      const token = id + 1;
      const next: (number | undefined)[] = [0];
      for (let level = 0; level < this.order; level++) {
        const grams = this.#grams[level]!;
        const added = grams.add(history[level]!, token);
        if (level === this.order - 1) grams.counts[added.id]!++;
        // A gram that is new shows its end, one token shorter, a left neighbour it had not.
        if (added.isNew && level > 0) this.#grams[level - 1]!.counts[next[level]!]!++;
        if (level < this.order - 1) next.push(added.id);
      }
      history = next;
    }
  }

  /**
   * For each level the number of the gram made of the last `level` tokens, which is the context of the next one;
   * undefined where it was never seen.
   */
  #startHistory(
    gram: (level: number, context: number, token: number) => number | undefined,
  ): (number | undefined)[] {
    const history: (number | undefined)[] = [0];
    for (let level = 0; level < this.order - 1; level++) {
      const context = history[level];
      history.push(context === undefined ? undefined : gram(level, context, START));
    }
    return history;
  }

  #advance(history: readonly (number | undefined)[], token: number): (number | undefined)[] {
    const next: (number | undefined)[] = [0];
    for (let level = 0; level < this.order - 1; level++) {
      const context = history[level];
      next.push(context === undefined ? undefined : this.#grams[level]!.find(context, token));
    }
    return next;
  }

  #probability(history: readonly (number | undefined)[], token: number): number {
    let probability = 1 / this.vocabSize;
    for (let level = 0; level < this.order; level++) {
      const context = history[level];
      const { discounts, totals, taken } = this.#smoothing[level]!;
      const total = context === undefined ? 0 : totals[context]!;
      if (context === undefined || total === 0) break;
      const gram = this.#grams[level]!.find(context, token);
      const count = gram === undefined ? 0 : this.#grams[level]!.counts[gram]!;
      const kept = count === 0 ? 0 : count - discounts[Math.min(count, 3) - 1]!;
      probability = (kept + taken[context]! * probability) / total;
    }
    return probability;
  }
}

/** Discounts from the number of grams that occur once to four times; where a text is too small to tell, 0.5 a count. */
function discountsOf(counts: readonly number[]): readonly [number, number, number] {
  const seen = [0, 0, 0, 0, 0];
  for (const count of counts) if (count <= 4) seen[count]!++;
  const share = seen[1]! / (seen[1]! + 2 * seen[2]!);
  const [first, second, third] = [1, 2, 3].map((n) => n - ((n + 1) * share * seen[n + 1]!) / seen[n]!);
  const known = [1, 2, 3, 4].every((n) => seen[n]! > 0) && [first, second, third].every((d) => d! > 0);
  return known ? [first!, second!, third!] : [0.5, 1, 1.5];
}

function smoothing({ counts, contexts }: Grams, numContexts: number): Smoothing {
  const discounts = discountsOf(counts);
  const totals = new Float64Array(numContexts);
  const taken = new Float64Array(numContexts);
  for (const [id, count] of counts.entries()) {
    if (count === 0) continue;
    totals[contexts[id]!]! += count;
    taken[contexts[id]!]! += discounts[Math.min(count, 3) - 1]!;
  }
  return { discounts, totals, taken };
}
