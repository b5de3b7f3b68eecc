import { InputError } from '@weft/errors';

export interface RegressionReport {
  /** Mean squared error. */
  mse: number;
  /** Mean absolute error. */
  mae: number;
  /** Share of the variance that is explained; 0 where labels do not vary. */
  r2: number;
  /** Correlation of values; 0 where either does not vary. */
  pearson: number;
  /** Correlation of ranks; 0 where either does not vary. */
  spearman: number;
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);

function correlation(a: readonly number[], b: readonly number[]): number {
  const [meanA, meanB] = [mean(a), mean(b)];
  let [covariance, varianceA, varianceB] = [0, 0, 0];
  a.forEach((value, i) => {
    covariance += (value - meanA) * (b[i]! - meanB);
    varianceA += (value - meanA) ** 2;
    varianceB += (b[i]! - meanB) ** 2;
  });
  return varianceA === 0 || varianceB === 0 ? 0 : covariance / Math.sqrt(varianceA * varianceB);
}

/** Ranks from 1; equal values share the mean of theirs. */
function ranks(values: readonly number[]): number[] {
  const order = values.map((_, i) => i).sort((i, j) => values[i]! - values[j]!);
  const ranked = new Array<number>(values.length);
  for (let start = 0; start < order.length; ) {
    let end = start;
    while (end < order.length && values[order[end]!] === values[order[start]!]) end++;
    for (let i = start; i < end; i++) ranked[order[i]!] = (start + end + 1) / 2;
    start = end;
  }
  return ranked;
}

/**
 * How near predicted numbers come to their labels: as scikit-learn and SciPy have it.
 *
 * @throws InputError when there is not a prediction for each label
 * @example
 * ```ts
 * import { regressionReport } from '@weft/trainer';
 *
 * const { mse, spearman } = regressionReport([1, 2, 4], [1, 2, 3]);
 * console.assert(Math.abs(mse - 1 / 3) < 1e-12 && spearman === 1);
 * ```
 */
export function regressionReport(
  predictions: readonly number[],
  labels: readonly number[],
): RegressionReport {
  if (predictions.length !== labels.length) {
    throw new InputError({
      operation: 'regressionReport',
      expected: `a prediction for each of ${labels.length} labels`,
      received: String(predictions.length),
      remedy: 'pass lists of one length',
    });
  }
  const errors = labels.map((label, i) => predictions[i]! - label);
  const center = mean(labels);
  const spread = labels.reduce((sum, label) => sum + (label - center) ** 2, 0);
  const squared = errors.reduce((sum, error) => sum + error ** 2, 0);
  return {
    mse: squared / Math.max(1, labels.length),
    mae: mean(errors.map(Math.abs)),
    r2: spread === 0 ? 0 : 1 - squared / spread,
    pearson: correlation(predictions, labels),
    spearman: correlation(ranks(predictions), ranks(labels)),
  };
}
