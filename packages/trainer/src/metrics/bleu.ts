import { checkReferences } from './chrf.js';
import { splitWords } from './text.js';

/** BLEU with its parts, as sacrebleu reports them. */
export interface BleuScore {
  /** 0 to 100. */
  score: number;
  /** Precision of 1- to 4-grams, in percent. */
  precisions: number[];
  brevityPenalty: number;
  hypothesisLength: number;
  referenceLength: number;
}

const MAX_ORDER = 4;

/**
 * Corpus BLEU (Papineni et al., 2002) as sacrebleu computes it by default: its 13a tokenizer, case kept,
 * exponential smoothing of orders without a match.
 *
 * @param hypotheses one a sentence
 * @param references for each sentence its references
 * @throws InputError when the two lists differ in length or a sentence has no reference
 * @example
 * ```ts
 * import { bleu } from '@weft/trainer';
 *
 * const { score } = bleu(['the cat sat on the mat'], [['the cat sat on the mat']]);
 * console.assert(Math.abs(score - 100) < 1e-9);
 * ```
 */
export function bleu(hypotheses: readonly string[], references: readonly (readonly string[])[]): BleuScore {
  checkReferences('bleu', hypotheses, references);
  const correct = new Array<number>(MAX_ORDER).fill(0);
  const total = new Array<number>(MAX_ORDER).fill(0);
  let hypothesisLength = 0;
  let referenceLength = 0;
  for (const [i, hypothesis] of hypotheses.entries()) {
    const words = tokenize13a(hypothesis.trimEnd());
    const referenceWords = references[i]!.map((reference) => tokenize13a(reference.trimEnd()));
    hypothesisLength += words.length;
    referenceLength += closestLength(words.length, referenceWords);
    const wanted = mergeMaxima(referenceWords.map(ngrams));
    for (const [gram, count] of ngrams(words)) {
      const order = gram.split(' ').length - 1;
      correct[order]! += Math.min(count, wanted.get(gram) ?? 0);
      total[order]! += count;
    }
  }
  return combine(correct, total, hypothesisLength, referenceLength);
}

function combine(
  correct: number[],
  total: number[],
  hypothesisLength: number,
  referenceLength: number,
): BleuScore {
  const brevityPenalty =
    hypothesisLength >= referenceLength
      ? 1
      : hypothesisLength > 0
        ? Math.exp(1 - referenceLength / hypothesisLength)
        : 0;
  const precisions = new Array<number>(MAX_ORDER).fill(0);
  if (!correct.some((count) => count > 0))
    return { score: 0, precisions, brevityPenalty, hypothesisLength, referenceLength };
  let smoothing = 1;
  let order = 0;
  for (; order < MAX_ORDER && total[order]! > 0; order++) {
    if (correct[order] === 0) {
      smoothing *= 2;
      precisions[order] = 100 / (smoothing * total[order]!);
    } else precisions[order] = (100 * correct[order]!) / total[order]!;
  }
  const logs = precisions.map((precision) => (precision === 0 ? -9999999999 : Math.log(precision)));
  const score = brevityPenalty * Math.exp(logs.reduce((sum, log) => sum + log, 0) / MAX_ORDER);
  return { score, precisions, brevityPenalty, hypothesisLength, referenceLength };
}

function ngrams(words: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (let order = 1; order <= MAX_ORDER; order++) {
    for (let i = 0; i + order <= words.length; i++) {
      const gram = words.slice(i, i + order).join(' ');
      counts.set(gram, (counts.get(gram) ?? 0) + 1);
    }
  }
  return counts;
}

function mergeMaxima(all: readonly Map<string, number>[]): Map<string, number> {
  const merged = new Map<string, number>();
  for (const counts of all) {
    for (const [gram, count] of counts) merged.set(gram, Math.max(count, merged.get(gram) ?? 0));
  }
  return merged;
}

function closestLength(length: number, references: readonly (readonly string[])[]): number {
  let best = references[0]!.length;
  for (const { length: each } of references) {
    const nearer = Math.abs(each - length) - Math.abs(best - length);
    if (nearer < 0 || (nearer === 0 && each < best)) best = each;
  }
  return best;
}

/** The tokenizer of mteval-v13a: entities undone, punctuation apart except inside numbers. */
export function tokenize13a(line: string): string[] {
  const plain = line
    .replaceAll('<skipped>', '')
    .replaceAll('-\n', '')
    .replaceAll('\n', ' ')
    .replaceAll('&quot;', '"')
    .replaceAll('&amp;', '&')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>');
  return splitWords(
    ` ${plain} `
      .replace(/([{-~[-` -&(-+:-@/])/g, ' $1 ')
      .replace(/([^0-9])([.,])/g, '$1 $2 ')
      .replace(/([.,])([^0-9])/g, ' $1 $2')
      .replace(/([0-9])(-)/g, '$1 $2 '),
  );
}
