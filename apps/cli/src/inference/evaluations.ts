import {
  type Calibration,
  type ClassificationReport,
  calibration,
  classificationReport,
  entityScores,
  matthewsCorrelation,
  precisionRecallF1,
  regressionReport,
} from '@weft/trainer';
import type { ProblemKind } from '../data/labels.js';

/** What an evaluation found: numbers by name, and for classes all that tables and charts show. */
export interface Evaluation {
  examples: number;
  metrics: Record<string, number>;
  labels?: readonly string[];
  /** Scores of each class by its name. */
  classes?: Record<string, { precision: number; recall: number; f1: number; support: number }>;
  confusion?: number[][];
  calibration?: Calibration;
}

/** Collects what is needed of each text: a few numbers, so that memory hardly grows with their count. */
export class ClassificationEvaluation {
  readonly #kind: ProblemKind;
  readonly #labels: readonly string[];
  #predictions: number[] = [];
  #wanted: number[] = [];
  #confidences: number[] = [];
  #loss = 0;
  #count = 0;
  #whole = 0;

  constructor(kind: ProblemKind, labels: readonly string[]) {
    this.#kind = kind;
    this.#labels = labels;
  }

  /** @param target a class, a row of 0 and 1, or a number, as the kind has it */
  add(scores: Float32Array, target: number | readonly number[]): void {
    this.#count++;
    if (this.#kind === 'multi-label') this.#addSeveral(scores, target as readonly number[]);
    else if (this.#kind === 'regression') this.#addNumber(scores[0]!, target as number);
    else this.#addOne(scores, target as number);
  }

  #addOne(scores: Float32Array, target: number): void {
    const best = scores.reduce((most, score, i) => (score > scores[most]! ? i : most), 0);
    this.#predictions.push(best);
    this.#wanted.push(target);
    this.#confidences.push(Math.min(1, scores[best]!));
    this.#loss -= logarithm(scores[target]!);
  }

  /** Every class of every text is a decision of its own. */
  #addSeveral(scores: Float32Array, target: readonly number[]): void {
    let whole = true;
    target.forEach((wanted, id) => {
      const score = scores[id]!;
      const chosen = score > 0.5 ? 1 : 0;
      this.#predictions.push(chosen);
      this.#wanted.push(wanted);
      this.#confidences.push(Math.min(1, Math.max(score, 1 - score)));
      this.#loss -= logarithm(wanted ? score : 1 - score) / target.length;
      whole &&= chosen === wanted;
    });
    if (whole) this.#whole++;
  }

  #addNumber(value: number, target: number): void {
    this.#predictions.push(value);
    this.#wanted.push(target);
    this.#loss += (value - target) ** 2;
  }

  result(bins: number): Evaluation {
    const loss = this.#loss / Math.max(1, this.#count);
    const examples = this.#count;
    if (this.#kind === 'regression')
      return { examples, metrics: { loss, ...regressionReport(this.#predictions, this.#wanted) } };
    const sure = calibration(
      this.#confidences,
      this.#predictions.map((prediction, i) => prediction === this.#wanted[i]),
      bins,
    );
    const expected = { expected_calibration_error: sure.expectedCalibrationError };
    if (this.#kind === 'multi-label') return this.#several(loss, expected, sure);
    const report = classificationReport(this.#predictions, this.#wanted, this.#labels.length);
    return {
      examples,
      metrics: {
        loss,
        accuracy: report.accuracy,
        macro_f1: report.macro.f1,
        weighted_f1: report.weighted.f1,
        matthews_correlation: matthewsCorrelation(this.#predictions, this.#wanted),
        ...expected,
      },
      labels: this.#labels,
      classes: this.#classes(report),
      confusion: report.confusion,
      calibration: sure,
    };
  }

  #several(loss: number, expected: Record<string, number>, sure: Calibration): Evaluation {
    const width = this.#labels.length;
    const column = (values: readonly number[], id: number): number[] =>
      values.filter((_, i) => i % width === id);
    const scores = this.#labels.map((_, id) => {
      const wanted = column(this.#wanted, id);
      return {
        ...precisionRecallF1(column(this.#predictions, id), wanted),
        support: wanted.reduce((sum, each) => sum + each, 0),
      };
    });
    const { f1, precision, recall } = precisionRecallF1(this.#predictions, this.#wanted);
    return {
      examples: this.#count,
      metrics: {
        loss,
        exact_match: this.#whole / Math.max(1, this.#count),
        micro_f1: f1,
        micro_precision: precision,
        micro_recall: recall,
        macro_f1: scores.reduce((sum, each) => sum + each.f1, 0) / width,
        ...expected,
      },
      labels: this.#labels,
      classes: Object.fromEntries(this.#labels.map((name, id) => [name, scores[id]!])),
      calibration: sure,
    };
  }

  #classes({ classes }: ClassificationReport): NonNullable<Evaluation['classes']> {
    return Object.fromEntries(this.#labels.map((name, id) => [name, classes[id]!]));
  }
}

/** A probability that float32 rounded to 0 still has a logarithm. */
const logarithm = (probability: number): number => Math.log(Math.max(probability, 1e-38));

/** Tags of words: over whole entities where they are of the kind B-, I-, and word by word. */
export function taggingEvaluation(
  predictions: readonly (readonly number[])[],
  wanted: readonly (readonly number[])[],
  labels: readonly string[],
): Evaluation {
  const report = classificationReport(predictions.flat(), wanted.flat(), labels.length);
  const words = { accuracy: report.accuracy, macro_f1: report.macro.f1 };
  const common = { examples: wanted.length, labels, confusion: report.confusion };
  if (!labels.some((name) => /^[BI]-/.test(name))) {
    const classes = Object.fromEntries(labels.map((name, id) => [name, report.classes[id]!]));
    return { ...common, metrics: words, classes };
  }
  const named = (rows: readonly (readonly number[])[]): string[][] =>
    rows.map((row) => row.map((id) => labels[id]!));
  const { micro, macro, types } = entityScores(named(predictions), named(wanted));
  return {
    ...common,
    metrics: {
      accuracy: report.accuracy,
      f1: micro.f1,
      precision: micro.precision,
      recall: micro.recall,
      macro_f1: macro.f1,
    },
    classes: types,
  };
}
