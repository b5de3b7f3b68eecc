import { InputError } from '@weft/errors';
import { expectClose, readFixture } from '@weft/testing';
import { describe, expect, it } from 'vitest';
import {
  type Average,
  accuracy,
  answerF1,
  argMaxRows,
  bleu,
  chrf,
  exactMatch,
  matthewsCorrelation,
  perplexity,
  precisionRecallF1,
  type RougeScores,
  rouge,
  rougeOfCorpus,
  squadMetrics,
} from '../index.js';

const { meta } = readFixture(new URL('../../fixtures/metrics.safetensors', import.meta.url));
const hypotheses = meta.hypotheses as string[];
const references = meta.references as string[][];
const exactly = { atol: 1e-12, rtol: 1e-12 };

describe('translation metrics', () => {
  const cases = meta.bleu as {
    count: number;
    score: number;
    precisions: number[];
    bp: number;
    lengths: number[];
  }[];
  it.each(cases)('BLEU of the last $count sentences is that of sacrebleu', (expected) => {
    const mine = bleu(hypotheses.slice(-expected.count), references.slice(-expected.count));
    expectClose([mine.score, mine.brevityPenalty], [expected.score, expected.bp], exactly);
    expectClose(mine.precisions, expected.precisions, exactly);
    expect([mine.hypothesisLength, mine.referenceLength]).toEqual(expected.lengths);
  });

  it.each(meta.chrf as { options: Record<string, number | boolean>; score: number }[])(
    'chrF with $options is that of sacrebleu',
    ({ options, score }) => {
      const { word_order: wordOrder = 0, beta = 2, lowercase = false } = options;
      const mine = chrf(hypotheses, references, {
        wordOrder: wordOrder as number,
        beta: beta as number,
        lowercase: lowercase as boolean,
      });
      expectClose([mine], [score], exactly);
    },
  );

  it('ROUGE is that of rouge_score', () => {
    for (const [i, expected] of (meta.rouge as Record<keyof RougeScores, number[]>[]).entries()) {
      const mine = rouge(hypotheses[i]!, references[i]!);
      for (const type of ['rouge1', 'rouge2', 'rougeL', 'rougeLsum'] as const) {
        const { precision, recall, fmeasure } = mine[type];
        expectClose([precision, recall, fmeasure], expected[type], exactly, `${type} of text ${i}`);
      }
    }
    const all = meta.rouge as Record<keyof RougeScores, number[]>[];
    const mean = all.reduce((sum, { rougeL }) => sum + rougeL[2]!, 0) / all.length;
    expectClose([rougeOfCorpus(hypotheses, references).rougeL], [100 * mean], exactly);
  });

  it('refuses hypotheses without references', () => {
    expect(() => bleu(['a'], [])).toThrow(InputError);
    expect(() => chrf(['a', 'b'], [['a'], []])).toThrow(/none for number 1/);
  });
});

describe('classification metrics', () => {
  const cases = meta.classes as {
    labels: number[];
    predictions: number[];
    scores: Record<Average, number[]>;
    accuracy: number;
    matthews: number;
  }[];
  it.each(cases.map((each, i) => [i, each] as const))('set %i is as scikit-learn has it', (_, expected) => {
    const { labels, predictions, scores } = expected;
    expectClose([accuracy(predictions, labels)], [expected.accuracy], exactly);
    expectClose([matthewsCorrelation(predictions, labels)], [expected.matthews], exactly);
    for (const [average, wanted] of Object.entries(scores)) {
      const { precision, recall, f1 } = precisionRecallF1(predictions, labels, average as Average);
      expectClose([precision, recall, f1], wanted, exactly, average);
    }
  });

  it('of nothing are 0', () => {
    expect(accuracy([], [])).toBe(0);
    expect(matthewsCorrelation([], [])).toBe(0);
    expect(precisionRecallF1([], [], 'macro')).toEqual({ precision: 0, recall: 0, f1: 0 });
  });

  it('finds the best class and the perplexity', () => {
    expect(argMaxRows([new Float32Array([0.1, 0.7, 0.2]), new Float32Array([-1, -2, -3])])).toEqual([1, 0]);
    expect(perplexity(Math.log(20))).toBeCloseTo(20, 10);
  });
});

describe('answers', () => {
  it.each(meta.squad as [string, string, number, number][])(
    '%j against %j is scored as in Python',
    (prediction, answer, exact, f1) => {
      expect(exactMatch(prediction, answer)).toBe(exact);
      expect(answerF1(prediction, answer)).toBeCloseTo(f1, 12);
    },
  );

  it('takes the best answer of each question', () => {
    const scores = squadMetrics(['1889', 'Paris', 'x'], [['1888', '1889'], ['in Paris'], []]);
    expect(scores.exactMatch).toBeCloseTo(100 / 3, 10);
    expect(scores.f1).toBeCloseTo((100 * (1 + 2 / 3)) / 3, 10);
  });
});
