import { randomNumbers } from '@weft/attention';
import { ConfigError, DataError } from '@weft/errors';
import type { Batch, DataCollator } from './dataset.js';

/** What a tokenized example may hold. */
export interface TokenizedExample {
  inputIds: readonly number[];
  attentionMask?: readonly number[];
  tokenTypeIds?: readonly number[];
  /** 1 where a token is special and is never masked. */
  specialTokensMask?: readonly number[];
  /** Word of each token, null for special ones. */
  wordIds?: readonly (number | null)[];
  labels?: number | readonly number[];
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

const IGNORED = -100;

/** Puts examples of one shape together, field by field. */
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

/** Pads to the longest of the batch; labels that are rows are padded with -100. */
export function dataCollatorWithPadding(options: PaddingOptions): DataCollator<TokenizedExample> {
  return (examples) => pad(examples, options);
}

export interface LanguageModelingOptions extends PaddingOptions {
  /** Mask tokens and predict them (BERT), or predict each next token (GPT-2). Default: true. */
  mlm?: boolean;
  /** Default: 0.15. */
  mlmProbability?: number;
  maskTokenId?: number;
  vocabSize?: number;
  /** Mask whole words together; examples need wordIds. */
  wholeWordMask?: boolean;
  seed?: number;
}

/**
 * Batches for pre-training. Causal: labels are the ids, padding -100. Masked: of the tokens that are not
 * special 15 % are chosen; of these 80 % become the mask token, half of the rest a random one, and only they
 * are labels.
 */
export function dataCollatorForLanguageModeling(
  options: LanguageModelingOptions,
): DataCollator<TokenizedExample> {
  if (options.mlm === false) {
    return (examples) => {
      const batch = pad(examples, options);
      const rows = batch.inputIds as number[][];
      const masks = batch.attentionMask as number[][];
      // As in Python: where padding is the end token, the true end tokens go too.
      const { padTokenId } = options.tokenizer;
      return {
        ...batch,
        labels: rows.map((row, i) =>
          row.map((id, t) => (masks[i]![t] === 0 || id === padTokenId ? IGNORED : id)),
        ),
      };
    };
  }
  const mask = masker(options);
  return (examples) => {
    const batch = pad(examples, options);
    const special = (batch.specialTokensMask ?? batch.attentionMask) as number[][];
    const isSpecial = batch.specialTokensMask
      ? special
      : (batch.attentionMask as number[][]).map((row) => row.map((kept) => 1 - kept));
    const { inputIds, labels } = mask(
      batch.inputIds as number[][],
      isSpecial,
      batch.attentionMask as number[][],
      examples,
    );
    const { specialTokensMask: _, wordIds: __, ...rest } = batch;
    return { ...rest, inputIds, labels };
  };
}

type Masker = (
  rows: readonly number[][],
  special: readonly number[][],
  attention: readonly number[][],
  examples: readonly TokenizedExample[],
) => { inputIds: number[][]; labels: number[][] };

function masker({
  maskTokenId,
  vocabSize,
  mlmProbability = 0.15,
  wholeWordMask,
  seed = 0,
}: LanguageModelingOptions): Masker {
  if (maskTokenId === undefined || vocabSize === undefined) {
    throw new ConfigError({
      operation: 'dataCollatorForLanguageModeling',
      expected: 'maskTokenId and vocabSize for masked language modelling',
      received: `maskTokenId ${maskTokenId}, vocabSize ${vocabSize}`,
      remedy: 'pass both, or mlm: false for causal language modelling',
    });
  }
  let batchNumber = 0;
  return (rows, special, attention, examples) => {
    const { uniform } = randomNumbers(seed + batchNumber++ * 2 ** 32);
    const labels = rows.map((row) => row.map(() => IGNORED));
    const inputIds = rows.map((row, i) => {
      const out = [...row];
      const groups = wholeWordMask
        ? wordGroups(row, special[i]!, examples[i]!)
        : tokensOf(row, special[i]!, attention[i]!);
      for (const group of groups) {
        if (uniform() >= mlmProbability) continue;
        for (const t of group) {
          labels[i]![t] = row[t]!;
          const fate = uniform();
          if (fate < 0.8) out[t] = maskTokenId;
          else if (fate < 0.9) out[t] = Math.floor(uniform() * vocabSize);
        }
      }
      return out;
    });
    return { inputIds, labels };
  };
}

const tokensOf = (
  row: readonly number[],
  special: readonly number[],
  attention: readonly number[],
): number[][] => row.flatMap((_, t) => (special[t] || !attention[t] ? [] : [[t]]));

function wordGroups(
  row: readonly number[],
  special: readonly number[],
  { wordIds }: TokenizedExample,
): number[][] {
  if (!wordIds) {
    throw new DataError({
      operation: 'whole word masking',
      expected: 'wordIds in every example',
      received: 'none',
      remedy: 'tokenize with returnWordIds',
    });
  }
  const groups = new Map<number, number[]>();
  for (let t = 0; t < row.length; t++) {
    const word = wordIds[t];
    if (word === null || word === undefined || special[t]) continue;
    groups.set(word, [...(groups.get(word) ?? []), t]);
  }
  return [...groups.values()];
}

export interface Seq2SeqOptions extends PaddingOptions {
  /** The decoder's first token; with it the decoder's inputs are made from the labels. */
  decoderStartTokenId?: number;
}

/** Pads sources and labels apart, labels with -100; decoder inputs are the labels moved right by one. */
export function dataCollatorForSeq2Seq(options: Seq2SeqOptions): DataCollator<TokenizedExample> {
  return (examples) => {
    const batch = pad(examples, options);
    const { decoderStartTokenId } = options;
    if (decoderStartTokenId === undefined || !batch.labels) return batch;
    const fill = options.tokenizer.padTokenId ?? 0;
    const decoderInputIds = (batch.labels as number[][]).map((row) => [
      decoderStartTokenId,
      ...row.slice(0, -1).map((id) => (id === IGNORED ? fill : id)),
    ]);
    return { ...batch, decoderInputIds };
  };
}

function pad(
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
