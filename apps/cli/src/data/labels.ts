import { ConfigError, DataError } from '@weft/errors';
import { describe } from './columns.js';
import { badRow } from './source.js';

/** What a classifier's labels are: one class a text, any number of classes, or a number. */
export const problemKinds = ['single-label', 'multi-label', 'regression'] as const;
export type ProblemKind = (typeof problemKinds)[number];

/** The label of a record as its file has it, and where it stands. */
export interface GivenLabel {
  source: { name: string };
  line: number;
  /** Names of classes; of one class, several or none. */
  names: string[];
}

/** The classes that a checkpoint knows; none without a head for the task. */
export interface StoredLabels {
  model: string;
  names: readonly string[];
}

/** Names of classes in a cell: a name, or with a separator several. @throws DataError */
export function labelNames(
  source: { name: string },
  line: number,
  value: unknown,
  { kind, separator }: { kind: ProblemKind; separator: string },
): string[] {
  const several = kind === 'multi-label';
  const cell = typeof value === 'string' ? value.trim() : value;
  const list = several && typeof cell === 'string' ? cell.split(separator).map((part) => part.trim()) : cell;
  const names = (Array.isArray(list) && several ? list : [list]).filter((name) => !(several && name === ''));
  if (names.every(isName)) return [...new Set(names.map(String))];
  throw badRow(source, line, {
    expected: several ? `labels, separated by "${separator}" or as a JSON array` : 'a label',
    received: describe(value),
    remedy: 'fill it in, or leave such rows out with --skip-bad-rows',
  });
}

const isName = (value: unknown): boolean =>
  (typeof value === 'string' && value !== '') || typeof value === 'number' || typeof value === 'boolean';

/** A number to learn. @throws DataError */
export function labelNumber(source: { name: string }, line: number, value: unknown): number {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  if (typeof number === 'number' && Number.isFinite(number)) return number;
  throw badRow(source, line, {
    expected: 'a number as label, for regression',
    received: describe(value),
    remedy: 'correct it, or use --problem single-label for classes',
  });
}

/** Names of classes, and how names in data become their numbers. */
export class LabelSet {
  readonly names: readonly string[];
  #ids: Map<string, number>;

  /** @param numbered whether data may also name a class by its number */
  constructor(names: readonly string[], { numbered = false }: { numbered?: boolean } = {}) {
    this.names = names;
    const numbers = numbered ? names.map((_, id): [string, number] => [String(id), id]) : [];
    this.#ids = new Map([...numbers, ...names.map((name, id): [string, number] => [name, id])]);
  }

  get id2label(): Record<number, string> {
    return Object.fromEntries(this.names.map((name, id) => [id, name]));
  }

  knows({ names }: GivenLabel): boolean {
    return names.every((name) => this.#ids.has(name));
  }

  /** The classes' numbers. @throws DataError for a name that is none of them */
  idsOf({ source, line, names }: GivenLabel): number[] {
    return names.map((name) => {
      const id = this.#ids.get(name);
      if (id !== undefined) return id;
      throw badRow(source, line, {
        expected: `one of the labels ${list(this.names)}`,
        received: `the label "${name}"`,
        remedy: 'correct it, give the labels with --labels, or leave such rows out with --skip-bad-rows',
      });
    });
  }
}

const isWhole = (name: string): boolean => /^\d+$/.test(name);

/** Names in an order that does not depend on the data's: numbers by value, else by code unit. */
function sorted(names: Iterable<string>): string[] {
  const all = [...names];
  if (all.every((name) => name !== '' && Number.isFinite(Number(name))))
    return all.sort((a, b) => Number(a) - Number(b));
  return all.sort();
}

/**
 * The classes of a run: those that are given; else the checkpoint's, where it has a head and the data name no
 * others (by name or by number); else those of the data, sorted.
 *
 * @throws ConfigError where a head has another number of classes and must not be drawn anew; DataError where there
 * are fewer than two classes
 */
export function chooseLabels(
  found: ReadonlySet<string>,
  {
    given,
    stored,
    ignoreMismatchedSizes = false,
  }: {
    given?: readonly string[] | undefined;
    stored?: StoredLabels | undefined;
    ignoreMismatchedSizes?: boolean;
  },
): LabelSet {
  if (stored && !given) {
    const known = new Set(stored.names);
    if ([...found].every((name) => known.has(name))) return new LabelSet(stored.names);
    const numbered = [...found].every((name) => isWhole(name) && Number(name) < stored.names.length);
    if (numbered) return new LabelSet(stored.names, { numbered });
  }
  const names = given ?? sorted(found);
  if (stored && stored.names.length !== names.length && !ignoreMismatchedSizes) {
    throw new ConfigError({
      operation: `load ${stored.model}`,
      expected: `${stored.names.length} labels, as the head of the checkpoint has (${list(stored.names)})`,
      received: `${names.length}: ${list(names)}`,
      remedy: 'pass --ignore-mismatched-sizes to draw a new head, or correct the labels',
    });
  }
  if (names.length < 2) {
    throw new DataError({
      operation: 'choose labels',
      expected: 'at least two different labels',
      received: names.length === 0 ? 'none' : `only "${names[0]}"`,
      remedy: 'check --label-column; for numbers to learn use --problem regression',
    });
  }
  return new LabelSet(names);
}

/** @throws DataError that names the classes without an example to learn from */
export function requireExamples(labels: LabelSet, used: ReadonlySet<number>, source: { name: string }): void {
  const empty = labels.names.filter((_, id) => !used.has(id));
  if (empty.length === 0) return;
  throw new DataError({
    operation: `read ${source.name}`,
    expected: 'an example of every class to learn from',
    received: `none of ${list(empty)}`,
    remedy: 'add examples, leave the class out of --labels, or pass --allow-empty-classes',
    file: source.name,
  });
}

/** At most a dozen names. */
export function list(names: readonly string[]): string {
  const shown = names.slice(0, 12).join(', ');
  return names.length > 12 ? `${shown}, ... (${names.length} in all)` : shown;
}
