import { checkReferences } from './chrf.js';
import { countOf } from './text.js';

/** Precision, recall and their F-measure, 0 to 1. */
export interface RougeScore {
  precision: number;
  recall: number;
  fmeasure: number;
}

export interface RougeScores {
  rouge1: RougeScore;
  rouge2: RougeScore;
  /** Longest common subsequence of the whole texts. */
  rougeL: RougeScore;
  /** Of the sentences, which are lines: the union of subsequences. */
  rougeLsum: RougeScore;
}

const types = ['rouge1', 'rouge2', 'rougeL', 'rougeLsum'] as const;

/**
 * ROUGE (Lin, 2004) of one text, equal to Python's rouge_score without stemming. With several references each
 * type takes the one with the best F-measure.
 *
 * @example
 * ```ts
 * import { rouge } from '@weft/trainer';
 *
 * const { rouge1, rougeL } = rouge('the cat sat', ['the cat sat down']);
 * console.assert(rouge1.precision === 1 && rougeL.recall === 0.75);
 * ```
 */
export function rouge(prediction: string, references: readonly string[]): RougeScores {
  const scores = references.map((reference) => rougeOfPair(prediction, reference));
  const best = (type: keyof RougeScores): RougeScore =>
    scores.reduce((a, b) => (b[type].fmeasure > a[type].fmeasure ? b : a))[type];
  return Object.fromEntries(types.map((type) => [type, best(type)])) as unknown as RougeScores;
}

/**
 * Mean F-measures over texts, in percent.
 *
 * @throws InputError when the two lists differ in length or a text has no reference
 */
export function rougeOfCorpus(
  predictions: readonly string[],
  references: readonly (readonly string[])[],
): Record<keyof RougeScores, number> {
  checkReferences('rouge', predictions, references);
  const all = predictions.map((prediction, i) => rouge(prediction, references[i]!));
  return Object.fromEntries(
    types.map((type) => [
      type,
      (100 * all.reduce((sum, scores) => sum + scores[type].fmeasure, 0)) / Math.max(1, all.length),
    ]),
  ) as Record<keyof RougeScores, number>;
}

function rougeOfPair(prediction: string, reference: string): RougeScores {
  const [mine, wanted] = [tokens(prediction), tokens(reference)];
  return {
    rouge1: ofNgrams(mine, wanted, 1),
    rouge2: ofNgrams(mine, wanted, 2),
    rougeL: score(commonTable(wanted, mine)[wanted.length]![mine.length]!, mine.length, wanted.length),
    rougeLsum: ofLines(lines(prediction), lines(reference)),
  };
}

function tokens(text: string): string[] {
  return text
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((token) => token !== '');
}

const lines = (text: string): string[][] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map(tokens);

function score(hits: number, predicted: number, wanted: number): RougeScore {
  const precision = hits / Math.max(1, predicted);
  const recall = hits / Math.max(1, wanted);
  const sum = precision + recall;
  return { precision, recall, fmeasure: sum > 0 ? (2 * precision * recall) / sum : 0 };
}

function ofNgrams(prediction: readonly string[], reference: readonly string[], order: number): RougeScore {
  const grams = (words: readonly string[]): string[] =>
    Array.from({ length: Math.max(0, words.length - order + 1) }, (_, i) =>
      words.slice(i, i + order).join(' '),
    );
  const [mine, wanted] = [grams(prediction), grams(reference)];
  const counts = countOf(mine);
  let hits = 0;
  for (const [gram, count] of countOf(wanted)) hits += Math.min(count, counts.get(gram) ?? 0);
  return score(hits, mine.length, wanted.length);
}

/** Lengths of the longest common subsequences of all beginnings: [reference + 1][prediction + 1]. */
function commonTable(reference: readonly string[], prediction: readonly string[]): Int32Array[] {
  const table = Array.from({ length: reference.length + 1 }, () => new Int32Array(prediction.length + 1));
  for (let i = 1; i <= reference.length; i++) {
    for (let j = 1; j <= prediction.length; j++) {
      table[i]![j] =
        reference[i - 1] === prediction[j - 1]
          ? table[i - 1]![j - 1]! + 1
          : Math.max(table[i - 1]![j]!, table[i]![j - 1]!);
    }
  }
  return table;
}

/** Positions in the reference of one longest common subsequence; the same one of several that Python takes. */
function commonPositions(reference: readonly string[], prediction: readonly string[]): number[] {
  const table = commonTable(reference, prediction);
  const positions: number[] = [];
  let [i, j] = [reference.length, prediction.length];
  while (i > 0 && j > 0) {
    if (reference[i - 1] === prediction[j - 1]) {
      positions.unshift(i - 1);
      i--;
      j--;
    } else if (table[i]![j - 1]! > table[i - 1]![j]!) j--;
    else i--;
  }
  return positions;
}

function ofLines(prediction: readonly string[][], reference: readonly string[][]): RougeScore {
  const leftOfPrediction = countOf(prediction.flat());
  const leftOfReference = countOf(reference.flat());
  let hits = 0;
  for (const line of reference) {
    const union = new Set(prediction.flatMap((other) => commonPositions(line, other)));
    for (const position of [...union].sort((a, b) => a - b)) {
      const token = line[position]!;
      const [mine, wanted] = [leftOfPrediction.get(token) ?? 0, leftOfReference.get(token) ?? 0];
      if (mine === 0 || wanted === 0) continue;
      hits++;
      leftOfPrediction.set(token, mine - 1);
      leftOfReference.set(token, wanted - 1);
    }
  }
  return score(hits, prediction.flat().length, reference.flat().length);
}
