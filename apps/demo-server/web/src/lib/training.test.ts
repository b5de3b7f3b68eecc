import { describe, expect, it } from 'vitest';
import { afterEvent, type LogEntry, nearest, pointsOf, smoothed } from './training.js';

const entry = (step: number, fields: Partial<LogEntry> = {}): LogEntry => ({
  step,
  epoch: null,
  loss: null,
  learningRate: null,
  gradNorm: null,
  stepsPerSecond: null,
  metrics: {},
  ...fields,
});
const history = (entries: LogEntry[]): LogEntry[] => afterEvent([], { event: 'history', entries });

describe('a log as it grows', () => {
  it('joins the lines of one step', () => {
    const [only] = history([entry(5, { loss: 2 }), entry(5, { metrics: { eval_loss: 3 } })]);
    expect(only).toMatchObject({ step: 5, loss: 2, metrics: { eval_loss: 3 } });
  });

  it('forgets the steps that a resumed run takes again', () => {
    const entries = history([entry(5, { loss: 3 }), entry(10, { loss: 2 })]);
    const resumed = afterEvent(entries, { event: 'entry', entry: entry(5, { loss: 2.5 }) });
    expect(resumed.map(({ step, loss }) => [step, loss])).toEqual([[5, 2.5]]);
    expect(entries).toHaveLength(2); // the list before is not touched
  });

  it('begins anew when the file does', () => {
    expect(afterEvent(history([entry(5)]), { event: 'reset' })).toEqual([]);
  });
});

describe('points', () => {
  it('are where the field was written', () => {
    const entries = [entry(1, { loss: 3 }), entry(2), entry(3, { loss: Number.NaN }), entry(4, { loss: 1 })];
    expect(pointsOf(entries, ({ loss }) => loss)).toEqual([
      { x: 1, y: 3 },
      { x: 4, y: 1 },
    ]);
  });

  it('are smoothed without delay: a straight line stays what it is', () => {
    const straight = Array.from({ length: 200 }, (_, x) => ({ x, y: 3 - x / 100 }));
    smoothed(straight).forEach(({ y }, x) => {
      expect(y).toBeCloseTo(3 - x / 100, 9);
    });
    expect(smoothed([])).toEqual([]);
  });

  it('are found by the nearest step', () => {
    const points = [10, 20, 40].map((x) => ({ x, y: 0 }));
    const found = [-5, 14, 16, 31, Number.POSITIVE_INFINITY].map((step) => nearest(points, step)?.x);
    expect(found).toEqual([10, 10, 20, 40, 40]);
    expect(nearest([], 3)).toBeUndefined();
  });
});
