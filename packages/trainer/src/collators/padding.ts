import { DataError } from '@weft/errors';
import type { Batch, DataCollator } from '../dataset.js';

/** What a tokenized example may hold. */
export interface TokenizedExample {
  inputIds: readonly number[];
  attentionMask?: readonly number[];
  tokenTypeIds?: readonly number[];
  /** 1 where a token is special and is never masked. */
  specialTokensMask?: readonly number[];
  /** Word of each token, null for special ones. */
  wordIds?: readonly (number | null)[];
  /** A class, a number to regress on, or a label for each token (or of a target text). */
  labels?: number | readonly number[];
  /** Another name of a `labels` that is one number. */
  label?: number;
  /** First and last token of an answer. */
  startPositions?: number;
  endPositions?: number;
}

/** What collators need of a tokenizer. */
export interface PaddingTokenizer {
  padTokenId?: number | undefined;
  paddingSide?: 'left' | 'right';
}

export interface PaddingOptions {
  tokenizer: PaddingTokenizer;
  padToMultipleOf?: number;
}

/** The label that no loss counts. */
export const IGNORED = -100;

/** Puts examples of one shape together, field by field; `label` becomes `labels`. */
export const defaultDataCollator: DataCollator<Record<string, unknown>> = (examples) => {
  const [first] = examples;
  if (first === undefined) return {};
  return Object.fromEntries(
    Object.keys(first).map((name) => [
      name === 'label' ? 'labels' : name,
      examples.map((example) => example[name]),
    ]),
  );
};

/**
 * Pads to the longest of the batch; labels that are rows are padded with -100. Fields that are single numbers
 * (`label`, `startPositions`) are put together as they are.
 *
 * @throws DataError where padding is needed and the tokenizer has no padding token
 * @example
 * ```ts
 * import { dataCollatorWithPadding } from '@weft/trainer';
 *
 * const collate = dataCollatorWithPadding({ tokenizer: { padTokenId: 0 } });
 * const batch = collate([{ inputIds: [5, 6], label: 1 }, { inputIds: [7], label: 0 }]);
 * console.assert(JSON.stringify(batch.inputIds) === '[[5,6],[7,0]]');
 * console.assert(JSON.stringify(batch.attentionMask) === '[[1,1],[1,0]]');
 * console.assert(JSON.stringify(batch.labels) === '[1,0]');
 * ```
 */
export function dataCollatorWithPadding(options: PaddingOptions): DataCollator<TokenizedExample> {
  return (examples) => pad(examples, options);
}

/** Rows of one length, by the longest of the batch; what an example may hold is padded alike. */
export function pad(
  examples: readonly TokenizedExample[],
  { tokenizer, padToMultipleOf = 1 }: PaddingOptions,
): Batch {
  const longest = (rows: readonly (readonly unknown[])[]): number =>
    Math.ceil(Math.max(...rows.map(({ length }) => length)) / padToMultipleOf) * padToMultipleOf;
  const length = longest(examples.map(({ inputIds }) => inputIds));
  const ragged = examples.some(({ inputIds }) => inputIds.length < length);
  const { padTokenId, paddingSide = 'right' } = tokenizer;
  if (ragged && padTokenId === undefined) {
    throw new DataError({
      operation: 'padding',
      expected: 'a padding token, since the texts of a batch differ in length',
      received: 'a tokenizer without one',
      remedy: 'set tokenizer.padTokenId, for GPT-2 usually to the end token',
    });
  }
  const fill = <T>(row: readonly T[], value: T, to = length): T[] => {
    const padding = Array.from({ length: to - row.length }, () => value);
    return paddingSide === 'left' ? [...padding, ...row] : [...row, ...padding];
  };
  const batch: Batch = {
    ...singleNumbers(examples),
    inputIds: examples.map(({ inputIds }) => fill(inputIds, padTokenId ?? 0)),
    attentionMask: examples.map(({ inputIds, attentionMask }) =>
      fill(attentionMask ?? inputIds.map(() => 1), 0),
    ),
  };
  const [first] = examples;
  if (first?.tokenTypeIds)
    batch.tokenTypeIds = examples.map(({ tokenTypeIds }) => fill(tokenTypeIds ?? [], 0));
  if (first?.specialTokensMask) {
    batch.specialTokensMask = examples.map(({ specialTokensMask }) => fill(specialTokensMask ?? [], 1));
  }
  if (first?.labels !== undefined) batch.labels = padLabels(examples, longest, fill);
  return batch;
}

/** What each example has one number of, by name; lengths are for samplers, not for models. */
function singleNumbers(examples: readonly TokenizedExample[]): Batch {
  const names = Object.entries(examples[0] ?? {}).flatMap(([name, value]) =>
    typeof value === 'number' && name !== 'length' ? [name] : [],
  );
  return Object.fromEntries(
    names.map((name) => [
      name === 'label' ? 'labels' : name,
      examples.map((example) => example[name as keyof TokenizedExample]),
    ]),
  );
}

function padLabels(
  examples: readonly TokenizedExample[],
  longest: (rows: readonly (readonly unknown[])[]) => number,
  fill: (row: readonly number[], value: number, to: number) => number[],
): number[] | number[][] {
  const labels = examples.map(({ labels: each }) => each!);
  if (typeof labels[0] === 'number') return labels as number[];
  const rows = labels as (readonly number[])[];
  const length = longest(rows);
  return rows.map((row) => fill(row, IGNORED, length));
}
