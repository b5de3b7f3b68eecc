import { InputError } from '@weft/errors';

/** Predictions whose confidence lies in (from, to]; the first range has its lower end too. */
export interface ReliabilityBin {
  from: number;
  to: number;
  count: number;
  /** Mean confidence; 0 where the range is empty. */
  confidence: number;
  /** Share that is right; 0 where the range is empty. */
  accuracy: number;
}

export interface Calibration {
  /** Mean distance of confidence and accuracy over the ranges, by their counts. */
  expectedCalibrationError: number;
  /** The greatest such distance. */
  maximumCalibrationError: number;
  bins: ReliabilityBin[];
}

/**
 * Whether a classifier is right as often as it is sure: confidences in ranges of one width, each with the share that
 * was right. The expected calibration error is that of Guo and others, "On Calibration of Modern Neural
 * Networks" (2017).
 *
 * @param confidences the probability of each prediction, from 0 to 1
 * @param correct whether it was right
 * @throws InputError for a confidence that is no probability
 * @example
 * ```ts
 * import { calibration } from '@weft/trainer';
 *
 * const { expectedCalibrationError } = calibration([0.75, 0.75, 0.75, 0.75], [true, true, true, false]);
 * console.assert(expectedCalibrationError === 0);
 * ```
 */
export function calibration(
  confidences: readonly number[],
  correct: readonly boolean[],
  bins = 10,
): Calibration {
  const sums = Array.from({ length: bins }, () => ({ count: 0, confidence: 0, hits: 0 }));
  confidences.forEach((confidence, i) => {
    if (!(confidence >= 0 && confidence <= 1)) {
      throw new InputError({
        operation: 'calibration',
        expected: 'confidences from 0 to 1',
        received: `${confidence} at ${i}`,
        remedy: 'pass probabilities, not logits',
      });
    }
    const sum = sums[Math.max(0, Math.ceil(confidence * bins) - 1)]!;
    sum.count++;
    sum.confidence += confidence;
    sum.hits += correct[i] ? 1 : 0;
  });
  const table = sums.map(({ count, confidence, hits }, bin) => ({
    from: bin / bins,
    to: (bin + 1) / bins,
    count,
    confidence: count === 0 ? 0 : confidence / count,
    accuracy: count === 0 ? 0 : hits / count,
  }));
  const gaps = table.map(({ confidence, accuracy }) => Math.abs(confidence - accuracy));
  return {
    expectedCalibrationError: table.reduce(
      (sum, { count }, bin) => sum + (count / Math.max(1, confidences.length)) * gaps[bin]!,
      0,
    ),
    maximumCalibrationError: Math.max(0, ...gaps),
    bins: table,
  };
}
