import { join } from 'node:path';
import { writeFileAtomic } from '@weft/checkpoint';
import type { CallbackContext, LogEntry, TrainerCallback } from '@weft/trainer';
import { lineChart, type Series } from './line-chart.js';

/** What evaluations log beside metrics. */
const timings = /^eval_(runtime|samples_per_second|steps_per_second)$/;

/** Pictures of a run, by file name: loss.svg, learning-rate.svg and one for each metric. */
export function historyCharts(history: readonly LogEntry[]): Record<string, string> {
  const points = (name: string): Series['points'] =>
    history.filter((entry) => entry[name] !== undefined).map((entry) => [entry.step!, entry[name]!]);
  const chart = (title: string, yLabel: string, series: Series[], fromZero = false): string | undefined => {
    const drawn = series.filter((each) => each.points.length > 0);
    const all = { title, xLabel: 'step', yLabel, series: drawn, fromZero };
    return drawn.length === 0 ? undefined : lineChart(all);
  };
  const metrics = new Set(history.flatMap(Object.keys).filter((name) => /^eval_/.test(name)));
  const own = [...metrics].filter((name) => name !== 'eval_loss' && !timings.test(name));
  const charts = {
    'loss.svg': chart('Loss', 'loss', [
      { name: 'training', points: points('loss') },
      { name: 'held out', points: points('eval_loss') },
    ]),
    'learning-rate.svg': chart(
      'Learning rate',
      'rate',
      [{ name: 'rate', points: points('learning_rate') }],
      true,
    ),
    ...Object.fromEntries(
      own.map((name) => [
        `${name.replace('eval_', '').replaceAll('_', '-')}.svg`,
        chart(name.replace('eval_', '').replaceAll('_', ' '), 'held out', [{ name, points: points(name) }]),
      ]),
    ),
  };
  return Object.fromEntries(
    Object.entries(charts).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

/** Keeps the pictures of a run in its folder: drawn anew after each evaluation and at the end. */
export class ChartsCallback implements TrainerCallback {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  onEvaluate({ state }: CallbackContext): Promise<void> {
    return this.#draw(state.logHistory);
  }

  onTrainEnd({ state }: CallbackContext): Promise<void> {
    return this.#draw(state.logHistory);
  }

  async #draw(history: readonly LogEntry[]): Promise<void> {
    for (const [name, svg] of Object.entries(historyCharts(history)))
      await writeFileAtomic(join(this.folder, name), svg);
  }
}
