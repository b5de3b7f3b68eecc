/** Share of predictions that equal their label; 0 for none. */
export function accuracy(predictions: readonly number[], labels: readonly number[]): number {
  return labels.length === 0
    ? 0
    : labels.filter((label, i) => predictions[i] === label).length / labels.length;
}

export type Average = 'binary' | 'macro' | 'micro' | 'weighted';

export interface PrecisionRecallF1 {
  precision: number;
  recall: number;
  f1: number;
}

/**
 * Precision, recall and F1 as scikit-learn has them; a ratio over nothing is 0. `binary` tells of class 1,
 * `macro` is the mean over classes, `weighted` the mean by their number of labels, `micro` counts all together.
 */
export function precisionRecallF1(
  predictions: readonly number[],
  labels: readonly number[],
  average: Average = 'binary',
): PrecisionRecallF1 {
  const classes =
    average === 'binary' ? [1] : [...new Set([...predictions, ...labels])].sort((a, b) => a - b);
  const counts = classes.map((each) => count(predictions, labels, each));
  if (average === 'micro') {
    const sum = (pick: (c: Counts) => number): number => counts.reduce((total, c) => total + pick(c), 0);
    return ratios({
      hits: sum((c) => c.hits),
      predicted: sum((c) => c.predicted),
      actual: sum((c) => c.actual),
    });
  }
  const weights = counts.map(({ actual }) => (average === 'weighted' ? actual : 1));
  const total = weights.reduce((sum, weight) => sum + weight, 0) || 1;
  const mean = (name: keyof PrecisionRecallF1): number =>
    counts.reduce((sum, each, i) => sum + ratios(each)[name] * weights[i]!, 0) / total;
  return { precision: mean('precision'), recall: mean('recall'), f1: mean('f1') };
}

interface Counts {
  hits: number;
  predicted: number;
  actual: number;
}

function count(predictions: readonly number[], labels: readonly number[], each: number): Counts {
  let [hits, predicted, actual] = [0, 0, 0];
  for (let i = 0; i < labels.length; i++) {
    if (predictions[i] === each) predicted++;
    if (labels[i] === each) actual++;
    if (predictions[i] === each && labels[i] === each) hits++;
  }
  return { hits, predicted, actual };
}

function ratios({ hits, predicted, actual }: Counts): PrecisionRecallF1 {
  const precision = predicted === 0 ? 0 : hits / predicted;
  const recall = actual === 0 ? 0 : hits / actual;
  return { precision, recall, f1: predicted + actual === 0 ? 0 : (2 * hits) / (predicted + actual) };
}

/** Matthews' correlation coefficient, for any number of classes; 0 where it is not defined. */
export function matthewsCorrelation(predictions: readonly number[], labels: readonly number[]): number {
  const n = labels.length;
  const classes = [...new Set([...predictions, ...labels])];
  const counts = classes.map((each) => count(predictions, labels, each));
  const hits = counts.reduce((sum, each) => sum + each.hits, 0);
  const dot = (pick: (c: Counts) => number): number => counts.reduce((sum, each) => sum + pick(each), 0);
  const covariance = hits * n - dot(({ predicted, actual }) => predicted * actual);
  const spread =
    (n * n - dot(({ predicted }) => predicted ** 2)) * (n * n - dot(({ actual }) => actual ** 2));
  return spread === 0 ? 0 : covariance / Math.sqrt(spread);
}

/** e^loss: how many tokens a model is undecided between, from its mean loss a token. */
export function perplexity(loss: number): number {
  return Math.exp(loss);
}

/** The index of the highest score of each example. */
export function argMaxRows(predictions: readonly Float32Array[]): number[] {
  return predictions.map((scores) =>
    scores.reduce((best, score, i) => (score > scores[best]! ? i : best), 0),
  );
}
