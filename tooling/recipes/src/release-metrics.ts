/** What a run's report says, in one form for every recipe. */
import { basename, isAbsolute } from 'node:path';
import { DataError } from '@weft/errors';
import type { ReleasedModel } from './release-models.js';

export interface Metric {
  /** In words. */
  name: string;
  value: number;
}

/** Kept beside a model, and printed in its card. */
export interface Metrics {
  model: string;
  /** The command that made it. */
  command: string;
  seed: number | null;
  /** By the clock, and of the processor over all threads. */
  seconds: number | null;
  cpuSeconds: number | null;
  /** In millions. */
  parameters: number | null;
  settings: Record<string, string | number | boolean>;
  metrics: Metric[];
  /** Values after each epoch. */
  curves: Record<string, number[]>;
  /** What was tried and how it did, in sentences. */
  tried: string[];
  /** What the model wrote, where it writes. */
  samples: string[];
}

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

const words: Readonly<Record<string, string>> = {
  bleu: 'BLEU',
  chrf: 'chrF',
  f1: 'F1',
  mcc: 'MCC',
  sst2: 'SST-2',
  exactMatch: 'exact match',
  macroF1: 'macro F1',
  model: 'starts from',
};

/** 'heldOutLoss' and 'held_out_loss' -> 'held out loss', where no table says better. */
export function inWords(key: string, labels: Readonly<Record<string, string>> = {}): string {
  if (Object.hasOwn(labels, key)) return labels[key]!;
  if (Object.hasOwn(words, key)) return words[key]!;
  // A key that is spelt in words already is left alone.
  if (/[\s/.]/.test(key)) return key;
  return key
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replaceAll('_', ' ')
    .split(' ')
    .map((word) => {
      const lower = word.toLowerCase();
      return Object.hasOwn(words, lower) ? words[lower]! : lower;
    })
    .join(' ');
}

/** The figures that a card prints: four digits. */
export const shownNumber = (value: number): string => String(Number(value.toPrecision(4)));

const ofTheRun = new Set(['recipe', 'seed', 'seconds', 'cpuSeconds', 'parameters', 'tried', 'samples']);

/** Objects that say how much there was, not how well it went. */
const counts = new Set(['questions', 'sizes']);

/** Where a folder lay on the machine of the run is nobody's business. */
const withoutPlace = (value: string | number | boolean): string | number | boolean =>
  typeof value === 'string' && isAbsolute(value) ? basename(value) : value;

/**
 * Numbers in objects of a report are metrics, named by their path; plain values beside them are settings; lists of
 * numbers are curves.
 *
 * @throws DataError for a report without metrics
 */
export function metricsOf(
  model: string,
  report: Readonly<Record<string, Json>>,
  { run = model, labels = {}, flags = '', seed }: Partial<ReleasedModel> = {},
): Metrics {
  const settings: Metrics['settings'] = {};
  const curves: Metrics['curves'] = {};
  const metrics: Metric[] = [];
  for (const [key, value] of Object.entries(report)) {
    if (ofTheRun.has(key) || value === null) continue;
    if (isNumbers(value)) curves[inWords(key, labels)] = value;
    else if (Array.isArray(value)) settings[inWords(key, labels)] = value.map(String).join(', ');
    else if (typeof value !== 'object') settings[inWords(key, labels)] = withoutPlace(value);
    else if (counts.has(key)) {
      for (const { name, value: count } of flat(value, [inWords(key, labels)], labels))
        settings[name] = count;
    } else metrics.push(...flat(value, key === 'metrics' ? [] : [inWords(key, labels)], labels));
  }
  if (metrics.length === 0) throw withoutMetrics(model);
  const epochs = report.epochs === undefined ? '' : `--epochs ${report.epochs}`;
  const number = (key: string): number | null => (typeof report[key] === 'number' ? report[key] : null);
  return {
    model,
    command: ['node tooling/recipes/dist/main.js', run, flags, epochs].filter(Boolean).join(' '),
    seed: number('seed') ?? seed ?? null,
    seconds: number('seconds'),
    cpuSeconds: number('cpuSeconds'),
    parameters: number('parameters'),
    settings,
    metrics,
    curves,
    tried: strings(report.tried),
    samples: strings(report.samples),
  };
}

function flat(value: Json, path: readonly string[], labels: Readonly<Record<string, string>>): Metric[] {
  if (typeof value === 'number') return [{ name: path.join(', '), value }];
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [];
  const told = Object.entries(value).filter(([key]) => !/runtime|(per_second|PerSecond)$/.test(key));
  return told.flatMap(([key, inner]) => flat(inner, [...path, inWords(key, labels)], labels));
}

const isNumbers = (value: Json): value is number[] =>
  Array.isArray(value) && value.length > 0 && value.every((each) => typeof each === 'number');

const strings = (value: Json | undefined): string[] =>
  Array.isArray(value) ? value.filter((each) => typeof each === 'string') : [];

function withoutMetrics(model: string): DataError {
  return new DataError({
    operation: `release ${model}`,
    expected: 'a report.json with metrics',
    received: 'one without any number in an object',
    remedy: 'let the recipe end: it writes them last',
  });
}
