import { InputError } from '@weft/errors';
import { countOf, splitWords } from './text.js';

export interface ChrfOptions {
  /** Longest n-gram of characters. Default: 6. */
  charOrder?: number;
  /** Longest n-gram of words; 2 gives chrF++. Default: 0. */
  wordOrder?: number;
  /** How much more recall counts than precision. Default: 2. */
  beta?: number;
  lowercase?: boolean;
}

type Counts = Map<string, number>;

/** Of one order: n-grams of the hypothesis, of the reference, and in both. */
interface Matches {
  hypothesis: number;
  reference: number;
  both: number;
}

/**
 * Corpus chrF (Popovic, 2015), or chrF++ with `wordOrder: 2`, as sacrebleu computes it: F-score over character
 * n-grams without white space, each sentence against the reference that suits it best. 0 to 100.
 *
 * @param hypotheses one a sentence
 * @param references for each sentence its references
 * @throws InputError when the two lists differ in length or a sentence has no reference
 * @example
 * ```ts
 * import { chrf } from '@weft/trainer';
 *
 * console.assert(Math.abs(chrf(['the cat sat'], [['the cat sat']]) - 100) < 1e-9);
 * ```
 */
export function chrf(
  hypotheses: readonly string[],
  references: readonly (readonly string[])[],
  { charOrder = 6, wordOrder = 0, beta = 2, lowercase = false }: ChrfOptions = {},
): number {
  checkReferences('chrf', hypotheses, references);
  const counted = (text: string): Counts[] =>
    ngrams(lowercase ? text.toLowerCase() : text, charOrder, wordOrder);
  const totals = Array.from({ length: charOrder + wordOrder }, () => ({
    hypothesis: 0,
    reference: 0,
    both: 0,
  }));
  for (const [i, hypothesis] of hypotheses.entries()) {
    const mine = counted(hypothesis);
    let best: Matches[] = [];
    let bestScore = -1;
    for (const reference of references[i]!) {
      const matches = counted(reference).map((counts, order) => match(mine[order]!, counts));
      const score = fScore(matches, beta);
      if (score > bestScore) [best, bestScore] = [matches, score];
    }
    for (const [order, { hypothesis: h, reference: r, both }] of best.entries()) {
      totals[order]!.hypothesis += h;
      totals[order]!.reference += r;
      totals[order]!.both += both;
    }
  }
  return fScore(totals, beta);
}

function match(hypothesis: Counts, reference: Counts): Matches {
  let [inHypothesis, both, inReference] = [0, 0, 0];
  for (const [gram, count] of hypothesis) {
    inHypothesis += count;
    both += Math.min(count, reference.get(gram) ?? 0);
  }
  for (const count of reference.values()) inReference += count;
  // As sacrebleu: what has no counterpart in length counts for nothing.
  return { hypothesis: reference.size > 0 ? inHypothesis : 0, reference: inReference, both };
}

/** F of precision and recall, each the mean over the orders that both texts are long enough for. */
function fScore(matches: readonly Matches[], beta: number): number {
  let [precision, recall, orders] = [0, 0, 0];
  for (const { hypothesis, reference, both } of matches) {
    if (hypothesis === 0 || reference === 0) continue;
    precision += both / hypothesis;
    recall += both / reference;
    orders++;
  }
  if (precision + recall === 0) return 0;
  precision /= orders;
  recall /= orders;
  return (100 * (1 + beta ** 2) * precision * recall) / (beta ** 2 * precision + recall);
}

function ngrams(text: string, charOrder: number, wordOrder: number): Counts[] {
  const characters = Array.from(splitWords(text).join(''));
  const words = wordOrder > 0 ? wordsAndPunctuation(text) : [];
  const grams = (items: readonly string[], order: number, joint: string): Counts =>
    countOf(
      Array.from({ length: Math.max(0, items.length - order + 1) }, (_, i) =>
        items.slice(i, i + order).join(joint),
      ),
    );
  return [
    ...Array.from({ length: charOrder }, (_, i) => grams(characters, i + 1, '')),
    ...Array.from({ length: wordOrder }, (_, i) => grams(words, i + 1, ' ')),
  ];
}

const punctuation = /^[!"#$%&'()*+,\-./:;<=>?@[\\\]^_`{|}~]$/;

/** Words with one mark of punctuation at the end, or else at the beginning, set apart. */
function wordsAndPunctuation(text: string): string[] {
  return splitWords(text).flatMap((word) => {
    const characters = Array.from(word);
    if (characters.length === 1) return [word];
    const [first, last] = [characters[0]!, characters.at(-1)!];
    if (punctuation.test(last)) return [word.slice(0, -1), last];
    return punctuation.test(first) ? [first, word.slice(1)] : [word];
  });
}

/** @throws InputError */
export function checkReferences(
  operation: string,
  hypotheses: readonly unknown[],
  references: readonly (readonly unknown[])[],
): void {
  const without = references.findIndex((each) => each.length === 0);
  if (hypotheses.length === references.length && without === -1) return;
  throw new InputError({
    operation,
    expected: `references for each of ${hypotheses.length} hypotheses, at least one each`,
    received: without === -1 ? `${references.length} lists` : `none for number ${without}`,
    remedy: 'pass one list of references a hypothesis: [[reference], ...]',
  });
}
