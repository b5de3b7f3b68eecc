import { InputError } from '@weft/errors';
import { nearest } from './suggest.js';

/** How far a call is: how many inputs have their answers. */
export interface PipelineProgress {
  done: number;
  /** Missing where the inputs are a stream. */
  total?: number;
}

/** What every call of a pipeline takes. */
export interface CallOptions {
  /** Stops the work between two batches, or within one token where text is generated. */
  signal?: AbortSignal | undefined;
  /** How many inputs go through the model at once. Default: 8. */
  batchSize?: number | undefined;
  /** Told after each batch. */
  onProgress?: ((progress: PipelineProgress) => void) | undefined;
}

/** What a value must be, in words, and whether it is. */
export type Form = readonly [words: string, holds: (value: unknown) => boolean];

export const isCount = (value: unknown, least = 1): value is number =>
  Number.isInteger(value) && (value as number) >= least;
export const count: Form = ['a whole number from 1', (value) => isCount(value)];
export const countFrom0: Form = ['a whole number from 0', (value) => isCount(value, 0)];
export const flag: Form = ['true or false', (value) => typeof value === 'boolean'];
export const string: Form = ['a string', (value) => typeof value === 'string'];
const isStrings = (value: unknown): boolean =>
  Array.isArray(value) && value.every((each) => typeof each === 'string');
export const strings: Form = ['a list of strings', isStrings];
export const stringOrStrings: Form = [
  'a string or a list of strings',
  (value) => typeof value === 'string' || isStrings(value),
];
export const oneOf = (...values: readonly unknown[]): Form => [
  values.map((value) => JSON.stringify(value)).join(', '),
  (value) => values.includes(value),
];

const callForms: Record<keyof CallOptions, Form> = {
  signal: ['an AbortSignal', (value) => value instanceof AbortSignal],
  batchSize: count,
  onProgress: ['a function', (value) => typeof value === 'function'],
};

/** The forms of a task's own options, each named once. */
export type Forms<O> = Record<Exclude<keyof O, keyof CallOptions>, Form>;

/** A value as an error shows it. */
export function shown(value: unknown): string {
  if (typeof value === 'string')
    return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}...` : value);
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : `a list of ${typeof value[0]}s`;
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}

/**
 * Checks the options that a task names, undefined counting as not given.
 *
 * @param isOpen - leave options alone that are not named here: something else checks them
 * @throws InputError for an unknown name, with the nearest one, or a value of another form
 */
export function checkOptions(
  operation: string,
  options: object,
  forms: Readonly<Record<string, Form>>,
  isOpen = false,
): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new InputError({
      operation,
      expected: 'options in an object',
      received: shown(options),
      remedy: 'pass { name: value }',
    });
  }
  const known: Record<string, Form> = { ...callForms, ...forms };
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue;
    const form = Object.hasOwn(known, name) ? known[name] : undefined;
    if (form === undefined && isOpen) continue;
    if (form === undefined) {
      const meant = nearest(name, Object.keys(known));
      throw new InputError({
        operation,
        expected: `options among ${Object.keys(known).join(', ')}`,
        received: name,
        remedy: meant === undefined ? 'leave it out' : `did you mean ${meant}?`,
      });
    }
    if (form[1](value)) continue;
    throw new InputError({
      operation,
      expected: `${name} to be ${form[0]}`,
      received: shown(value),
      remedy: 'correct it or leave it out',
    });
  }
}

/** The options with nothing that is undefined, so that they can be put over defaults. */
export function given<O extends object>(options: O): O {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as O;
}

/** Without the options of every call, for what is passed on. */
export function withoutCallOptions<O extends CallOptions>(options: O): Omit<O, keyof CallOptions> {
  const { signal: _signal, batchSize: _batchSize, onProgress: _onProgress, ...rest } = options;
  return rest;
}
