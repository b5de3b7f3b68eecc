import { InputError } from '@weft/errors';
import type { ClassScore } from './report.js';

/** A run of tokens that names one thing: [start, end). */
export interface EntitySpan {
  type: string;
  start: number;
  end: number;
}

export interface EntityScores {
  /** Over all entities together. */
  micro: Omit<ClassScore, 'support'>;
  macro: Omit<ClassScore, 'support'>;
  /** By type, in alphabetical order. */
  types: Record<string, ClassScore>;
}

interface Tag {
  prefix: string;
  type: string;
}

function parseTag(tag: string): Tag {
  const dash = tag.indexOf('-');
  if (dash < 0) return { prefix: tag, type: tag === 'O' ? '' : '_' };
  return { prefix: tag.slice(0, dash), type: tag.slice(dash + 1) };
}

const outside: Tag = { prefix: 'O', type: '' };

function ends(previous: Tag, tag: Tag): boolean {
  if (previous.prefix === 'O') return false;
  if (previous.prefix === 'E' || previous.prefix === 'S' || previous.type !== tag.type) return true;
  return tag.prefix === 'B' || tag.prefix === 'S' || tag.prefix === 'O';
}

function starts(previous: Tag, tag: Tag): boolean {
  if (tag.prefix === 'O') return false;
  if (tag.prefix === 'B' || tag.prefix === 'S' || previous.type !== tag.type) return true;
  return previous.prefix === 'E' || previous.prefix === 'S' || previous.prefix === 'O';
}

/**
 * The entities that tags (B-PER, I-PER, O, also E- and S-) mark, read as leniently as CoNLL's evaluation reads them:
 * an I- after another type begins an entity.
 *
 * @example
 * ```ts
 * import { entitySpans } from '@weft/trainer';
 *
 * const [person] = entitySpans(['O', 'B-PER', 'I-PER', 'O']);
 * console.assert(person?.type === 'PER' && person.start === 1 && person.end === 3);
 * ```
 */
export function entitySpans(tags: readonly string[]): EntitySpan[] {
  const spans: EntitySpan[] = [];
  let previous = outside;
  let start = 0;
  for (let i = 0; i <= tags.length; i++) {
    const tag = i < tags.length ? parseTag(tags[i]!) : outside;
    if (ends(previous, tag)) spans.push({ type: previous.type, start, end: i });
    if (starts(previous, tag)) start = i;
    previous = tag;
  }
  return spans;
}

/**
 * Precision, recall and F1 over whole entities: right are those whose type and both ends are. As seqeval has it.
 *
 * @param predictions tags of each text
 * @param labels the true tags of each text, as many
 * @example
 * ```ts
 * import { entityScores } from '@weft/trainer';
 *
 * const { micro } = entityScores([['B-PER', 'O', 'B-LOC']], [['B-PER', 'I-PER', 'B-LOC']]);
 * console.assert(micro.f1 === 0.5);
 * ```
 */
export function entityScores(
  predictions: readonly (readonly string[])[],
  labels: readonly (readonly string[])[],
): EntityScores {
  const counts = new Map<string, { hits: number; predicted: number; actual: number }>();
  const of = (type: string): { hits: number; predicted: number; actual: number } => {
    const known = counts.get(type) ?? { hits: 0, predicted: 0, actual: 0 };
    counts.set(type, known);
    return known;
  };
  const key = ({ type, start, end }: EntitySpan): string => `${start} ${end} ${type}`;
  labels.forEach((tags, i) => {
    const guess = predictions[i];
    if (guess?.length !== tags.length) {
      throw new InputError({
        operation: 'entityScores',
        expected: `${tags.length} predicted tags for text ${i}`,
        received: String(guess?.length),
        remedy: 'give a tag for each labelled word',
      });
    }
    const actual = new Set<string>();
    for (const span of entitySpans(tags)) {
      actual.add(key(span));
      of(span.type).actual++;
    }
    for (const span of entitySpans(guess)) {
      of(span.type).predicted++;
      if (actual.has(key(span))) of(span.type).hits++;
    }
  });
  return summary(counts);
}

function summary(counts: Map<string, { hits: number; predicted: number; actual: number }>): EntityScores {
  const score = (hits: number, predicted: number, actual: number): Omit<ClassScore, 'support'> => ({
    precision: predicted === 0 ? 0 : hits / predicted,
    recall: actual === 0 ? 0 : hits / actual,
    f1: predicted + actual === 0 ? 0 : (2 * hits) / (predicted + actual),
  });
  const types = Object.fromEntries(
    [...counts]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([type, { hits, predicted, actual }]) => [
        type,
        { ...score(hits, predicted, actual), support: actual },
      ]),
  );
  const sum = (name: 'hits' | 'predicted' | 'actual'): number =>
    [...counts.values()].reduce((total, each) => total + each[name], 0);
  const all = Object.values(types);
  const mean = (name: 'precision' | 'recall' | 'f1'): number =>
    all.length === 0 ? 0 : all.reduce((total, each) => total + each[name], 0) / all.length;
  return {
    micro: score(sum('hits'), sum('predicted'), sum('actual')),
    macro: { precision: mean('precision'), recall: mean('recall'), f1: mean('f1') },
    types,
  };
}
