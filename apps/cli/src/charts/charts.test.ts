import { calibration } from '@weft/trainer';
import { describe, expect, it } from 'vitest';
import { confusionChart } from './confusion-chart.js';
import { historyCharts } from './history.js';
import { lineChart } from './line-chart.js';
import { reliabilityChart } from './reliability-chart.js';

/** Tags open and close in order, and nothing is NaN. */
function expectWellFormed(svg: string): void {
  const open: string[] = [];
  for (const [, slash, name, rest] of svg.matchAll(/<(\/?)([a-z]+)((?:\s+[\w-]+="[^"<>]*")*\s*\/?)>/g)) {
    if (slash) expect(open.pop()).toBe(name);
    else if (!rest!.endsWith('/')) open.push(name!);
  }
  expect(open).toEqual([]);
  expect(svg.replace(/<[^>]*>/g, '')).not.toMatch(/[<>]/);
  expect(svg).not.toContain('NaN');
  expect(svg).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
}

describe('charts', () => {
  it('draw a run from its log', () => {
    const charts = historyCharts([
      { loss: 0.7, learning_rate: 1e-3, step: 1 },
      { loss: 0.5, learning_rate: 5e-4, step: 2 },
      { eval_loss: 0.6, eval_f1_macro: 0.8, eval_runtime: 2, step: 2 },
      { train_loss: 0.6, step: 2 },
    ]);
    expect(Object.keys(charts).sort()).toEqual(['f1-macro.svg', 'learning-rate.svg', 'loss.svg']);
    for (const svg of Object.values(charts)) expectWellFormed(svg);
    expect(charts['loss.svg']).toContain('held out');
    expect(historyCharts([])).toEqual({});
  });

  it.each([
    ['one point', [[3, 0]] as const],
    [
      'equal points',
      [
        [1, 2],
        [2, 2],
      ] as const,
    ],
    [
      'what is not finite',
      [
        [1, 1],
        [2, Number.NaN],
        [3, Number.POSITIVE_INFINITY],
        [4, 2],
      ] as const,
    ],
    [
      'five powers of ten',
      [
        [1, 1e-4],
        [2, 10],
      ] as const,
    ],
    ['nothing', [] as const],
  ])('draw %s', (_, points) => {
    expectWellFormed(
      lineChart({ title: 'a < b & "c"', xLabel: 'x', yLabel: 'y', series: [{ name: 'one', points }] }),
    );
  });

  it('draw reliability and confusion', () => {
    const svg = reliabilityChart(calibration([0.6, 0.9, 0.95, 0.2], [true, true, false, false]));
    expectWellFormed(svg);
    expect(svg).toContain('expected calibration error');
    const many = Array.from({ length: 8 }, (_, i) => Array.from({ length: 8 }, (__, j) => (i === j ? 9 : 1)));
    expectWellFormed(
      confusionChart(
        many,
        many.map((__, i) => `class <${i}> with quite a long name`),
      ),
    );
    expectWellFormed(
      confusionChart(
        [
          [0, 0],
          [3, 1],
        ],
        ['no', 'yes'],
      ),
    );
  });
});
