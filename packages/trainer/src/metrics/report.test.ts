import { InputError } from '@weft/errors';
import { expectClose, readFixture } from '@weft/testing';
import { describe, expect, it } from 'vitest';
import {
  calibration,
  classificationReport,
  confusionMatrix,
  entityScores,
  entitySpans,
  regressionReport,
} from '../index.js';

const { meta } = readFixture(new URL('../../fixtures/reports.safetensors', import.meta.url));
const exactly = { atol: 1e-12, rtol: 1e-12 };

type Scores = [precision: number, recall: number, f1: number];
const row = ({ precision, recall, f1 }: { precision: number; recall: number; f1: number }): Scores => [
  precision,
  recall,
  f1,
];

describe('reports on classifiers', () => {
  const cases = meta.reports as {
    predictions: number[];
    labels: number[];
    classes: number;
    accuracy: number;
    perClass: Scores[];
    support: number[];
    macro: Scores;
    weighted: Scores;
    confusion: number[][];
  }[];
  it.each(cases)('$classes classes: as scikit-learn', (expected) => {
    const report = classificationReport(expected.predictions, expected.labels, expected.classes);
    expect(report.confusion).toEqual(expected.confusion);
    expect(report.classes.map(({ support }) => support)).toEqual(expected.support);
    expectClose([report.accuracy], [expected.accuracy], exactly);
    expectClose(report.classes.flatMap(row), expected.perClass.flat(), exactly);
    expectClose(row(report.macro), expected.macro, exactly);
    expectClose(row(report.weighted), expected.weighted, exactly);
  });

  it('refuses numbers that are no class', () => {
    expect(() => confusionMatrix([0], [2], 2)).toThrow(InputError);
    expect(() => confusionMatrix([], [1], 2)).toThrow(/prediction undefined/);
  });
});

describe('calibration', () => {
  const { confidences, correct, bins, ece, mce, table } = meta.calibration as {
    confidences: number[];
    correct: boolean[];
    bins: number;
    ece: number;
    mce: number;
    table: { count: number; confidence: number; accuracy: number }[];
  };
  it('is that of its definition in NumPy', () => {
    const found = calibration(confidences, correct, bins);
    expectClose([found.expectedCalibrationError, found.maximumCalibrationError], [ece, mce], exactly);
    expect(found.bins.map(({ count }) => count)).toEqual(table.map(({ count }) => count));
    expectClose(
      found.bins.flatMap(({ confidence, accuracy }) => [confidence, accuracy]),
      table.flatMap(({ confidence, accuracy }) => [confidence, accuracy]),
      exactly,
    );
  });

  it('refuses what is no probability', () => {
    expect(() => calibration([1.5], [true])).toThrow(/1.5 at 0/);
    expect(calibration([], []).expectedCalibrationError).toBe(0);
  });
});

describe('regression', () => {
  it('is that of scikit-learn and SciPy', () => {
    const { predictions, labels, ...expected } = meta.regression as {
      predictions: number[];
      labels: number[];
    } & Record<string, number>;
    const found = regressionReport(predictions, labels);
    expectClose(
      Object.values(found),
      Object.keys(found).map((name) => expected[name]!),
      exactly,
    );
    expect(Object.values(regressionReport([1, 1], [2, 2]))).toEqual([1, 1, 0, 0, 0]);
    expect(() => regressionReport([1], [])).toThrow(InputError);
  });
});

describe('entities', () => {
  const cases = meta.entities as {
    predictions: string[][];
    labels: string[][];
    micro: Scores;
    macro: Scores;
    spans: [string, number, number][][];
    types: Record<string, Scores>;
  }[];
  it.each(cases)('case %#: as seqeval', ({ predictions, labels, micro, macro, spans, types }) => {
    expect(labels.map((tags) => entitySpans(tags).map(({ type, start, end }) => [type, start, end]))).toEqual(
      spans,
    );
    const scores = entityScores(predictions, labels);
    expectClose(row(scores.micro), micro, exactly);
    expectClose(row(scores.macro), macro, exactly);
    for (const [type, expected] of Object.entries(types))
      expectClose(row(scores.types[type]!), expected, exactly);
  });

  it('wants a tag for each word', () => {
    expect(() => entityScores([['O']], [['O', 'O']])).toThrow(InputError);
  });
});
