import type { ComputeMetrics } from '@weft/trainer';
import type { ProblemKind } from '../data/labels.js';

/** The names of what {@link classificationMetrics} gives. */
export const metricNames: Record<ProblemKind, readonly string[]> = {
  'single-label': ['accuracy', 'f1'],
  'multi-label': ['f1', 'precision', 'recall', 'exact_match'],
  regression: ['mse', 'mae', 'r2', 'pearson', 'spearman'],
};

/** What evaluations during training tell of a classifier. */
export async function classificationMetrics(kind: ProblemKind, classes: number): Promise<ComputeMetrics> {
  const { argMaxRows, classificationReport, precisionRecallF1, regressionReport } = await import(
    '@weft/trainer'
  );
  if (kind === 'regression') {
    return ({ predictions, labels }) => ({
      ...regressionReport(
        predictions.map(([value]) => value!),
        labels as number[],
      ),
    });
  }
  if (kind === 'single-label') {
    return ({ predictions, labels }) => {
      const { accuracy, macro } = classificationReport(argMaxRows(predictions), labels as number[], classes);
      return { accuracy, f1: macro.f1 };
    };
  }
  return ({ predictions, labels }) => {
    const chosen = predictions.flatMap((scores) => Array.from(scores, (score) => (score > 0 ? 1 : 0)));
    const wanted = (labels as number[][]).flat();
    const whole = (labels as number[][]).filter((row, i) =>
      row.every((label, c) => label === chosen[i * classes + c]),
    );
    return {
      ...precisionRecallF1(chosen, wanted, 'binary'),
      exact_match: labels.length === 0 ? 0 : whole.length / labels.length,
    };
  };
}
