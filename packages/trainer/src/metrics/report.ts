import { InputError } from '@weft/errors';
import type { PrecisionRecallF1 } from './classification.js';

export interface ClassScore extends PrecisionRecallF1 {
  /** How many examples have this label. */
  support: number;
}

/** What a classifier gets right, class by class and in all. */
export interface ClassificationReport {
  accuracy: number;
  /** One entry a class, in the order of their numbers. */
  classes: ClassScore[];
  /** Means over the classes that occur as label or as prediction, as scikit-learn has it. */
  macro: PrecisionRecallF1;
  /** Means by the number of labels of each class. */
  weighted: PrecisionRecallF1;
  /** Rows are labels, columns are predictions. */
  confusion: number[][];
}

/**
 * How often examples of each class are taken for each class: rows are labels, columns predictions.
 *
 * @throws InputError for numbers that are no class
 * @example
 * ```ts
 * import { confusionMatrix } from '@weft/trainer';
 *
 * const matrix = confusionMatrix([0, 1, 1], [0, 0, 1], 2);
 * console.assert(JSON.stringify(matrix) === '[[1,1],[0,1]]');
 * ```
 */
export function confusionMatrix(
  predictions: readonly number[],
  labels: readonly number[],
  classes: number,
): number[][] {
  const matrix = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  labels.forEach((label, i) => {
    const row = matrix[label];
    const predicted = predictions[i];
    if (row === undefined || predicted === undefined || row[predicted] === undefined) {
      throw new InputError({
        operation: 'confusionMatrix',
        expected: `classes from 0 to ${classes - 1}, and a prediction for each label`,
        received: `label ${label} and prediction ${predicted} at ${i}`,
        remedy: 'count the classes again',
      });
    }
    row[predicted]++;
  });
  return matrix;
}

const ratio = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole);

/**
 * Accuracy, precision, recall and F1 of each class and their means, and the confusion matrix; a ratio over
 * nothing is 0.
 *
 * @example
 * ```ts
 * import { classificationReport } from '@weft/trainer';
 *
 * const { accuracy, classes } = classificationReport([0, 1, 1, 1], [0, 0, 1, 1], 2);
 * console.assert(accuracy === 0.75 && classes[0]?.recall === 0.5 && classes[1]?.support === 2);
 * ```
 */
export function classificationReport(
  predictions: readonly number[],
  labels: readonly number[],
  classes: number,
): ClassificationReport {
  const confusion = confusionMatrix(predictions, labels, classes);
  const predicted = confusion.map((_, column) => confusion.reduce((sum, row) => sum + row[column]!, 0));
  const scores = confusion.map((row, each): ClassScore => {
    const support = row.reduce((sum, count) => sum + count, 0);
    const hits = row[each]!;
    return {
      precision: ratio(hits, predicted[each]!),
      recall: ratio(hits, support),
      f1: ratio(2 * hits, support + predicted[each]!),
      support,
    };
  });
  const occurring = scores.filter(({ support }, each) => support > 0 || predicted[each]! > 0);
  return {
    accuracy: ratio(
      confusion.reduce((sum, row, each) => sum + row[each]!, 0),
      labels.length,
    ),
    classes: scores,
    macro: meanOf(occurring, () => 1),
    weighted: meanOf(occurring, ({ support }) => support),
    confusion,
  };
}

function meanOf(scores: readonly ClassScore[], weigh: (score: ClassScore) => number): PrecisionRecallF1 {
  const total = scores.reduce((sum, score) => sum + weigh(score), 0);
  const mean = (name: keyof PrecisionRecallF1): number =>
    ratio(
      scores.reduce((sum, score) => sum + score[name] * weigh(score), 0),
      total,
    );
  return { precision: mean('precision'), recall: mean('recall'), f1: mean('f1') };
}
