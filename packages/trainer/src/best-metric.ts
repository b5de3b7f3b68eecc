import { ConfigError } from '@weft/errors';
import type { LogEntry } from './state.js';

/** The metric of this name, with or without the prefix `eval_`. */
export function metricValue(metrics: LogEntry, name: string): number {
  const value = metrics[name.startsWith('eval_') ? name : `eval_${name}`];
  if (value !== undefined) return value;
  throw new ConfigError({
    operation: 'Trainer',
    expected: `metricForBestModel to be one of ${Object.keys(metrics).join(', ')}`,
    received: name,
    remedy: 'return it from computeMetrics, or choose another',
  });
}

export function isBetter(value: number, best: number | null, greaterIsBetter: boolean): boolean {
  return best === null || (greaterIsBetter ? value > best : value < best);
}
