import { splitWords } from './text.js';

/** An answer as SQuAD's evaluation compares it: lower case, no punctuation, no articles, single spaces. */
export function normalizeAnswer(text: string): string {
  const plain = text
    .toLowerCase()
    .replace(/[!"#$%&'()*+,\-./:;<=>?@[\\\]^_`{|}~]/g, '')
    // Python's \b knows the letters of all scripts.
    .replace(/(?<![\p{L}\p{N}_])(a|an|the)(?![\p{L}\p{N}_])/gu, ' ');
  return splitWords(plain).join(' ');
}

/** 1 when the two answers are the same after normalisation, else 0. */
export function exactMatch(prediction: string, answer: string): number {
  return normalizeAnswer(prediction) === normalizeAnswer(answer) ? 1 : 0;
}

/** F1 over the words that two answers share. */
export function answerF1(prediction: string, answer: string): number {
  const predicted = normalizeAnswer(prediction).split(' ').filter(Boolean);
  const actual = normalizeAnswer(answer).split(' ').filter(Boolean);
  if (predicted.length === 0 || actual.length === 0) return predicted.length === actual.length ? 1 : 0;
  const left = new Map<string, number>();
  for (const word of actual) left.set(word, (left.get(word) ?? 0) + 1);
  let shared = 0;
  for (const word of predicted) {
    const count = left.get(word) ?? 0;
    if (count === 0) continue;
    shared++;
    left.set(word, count - 1);
  }
  return shared === 0 ? 0 : (2 * shared) / (predicted.length + actual.length);
}

/**
 * Means over questions, each against the best of its answers, in percent; a question without answers wants ''.
 *
 * @example
 * ```ts
 * import { squadMetrics } from '@weft/trainer';
 *
 * const { exactMatch, f1 } = squadMetrics(['the Eiffel Tower'], [['Eiffel tower']]);
 * console.assert(exactMatch === 100 && f1 === 100);
 * ```
 */
export function squadMetrics(
  predictions: readonly string[],
  answers: readonly (readonly string[])[],
): { exactMatch: number; f1: number } {
  const best = (score: (prediction: string, answer: string) => number): number => {
    const sum = predictions.reduce((total, prediction, i) => {
      const wanted = answers[i]!.length > 0 ? answers[i]! : [''];
      return total + Math.max(...wanted.map((answer) => score(prediction, answer)));
    }, 0);
    return (100 * sum) / Math.max(1, predictions.length);
  };
  return { exactMatch: best(exactMatch), f1: best(answerF1) };
}
