import { InputError, TokenizerError } from '@weft/errors';
import { type Encoding, padEncoding, type Truncation, type TruncationStrategy } from './encoding.js';
import { describe } from './json.js';
import type { Pipeline } from './pipeline.js';
import type { Tokenizer } from './tokenizer.js';
import { NO_LIMIT } from './tokenizer-config.js';

export interface EncodeOptions {
  /** A second text for each of the first: questions and their contexts, say. */
  textPairs?: readonly string[];
  /** Put [CLS], </s> and their like around. Default: true. */
  addSpecialTokens?: boolean;
  /** true is longest_first. Default: false. */
  truncation?: boolean | TruncationStrategy;
  /** true and longest: to the longest row; max_length: to `maxLength`. Default: false. */
  padding?: boolean | 'longest' | 'max_length' | 'do_not_pad';
  /** In tokens, special ones among them. Default: what the model takes. */
  maxLength?: number;
  /** How many tokens the windows of `returnOverflowingTokens` share. Default: 0. */
  stride?: number;
  /** The padded length is raised to a multiple of this. */
  padToMultipleOf?: number;
  /** Default: the tokenizer's. */
  paddingSide?: 'left' | 'right';
  /** Give what truncation cuts off as rows of their own. */
  returnOverflowingTokens?: boolean;
  /** Give [start, end) of each token in the given text, in UTF-16; [0, 0] for special tokens. */
  returnOffsetsMapping?: boolean;
  /** Give the word of each token; null for special tokens. */
  returnWordIds?: boolean;
  /** Give 0 for tokens of the text, 1 for the pair's, null for special ones. */
  returnSequenceIds?: boolean;
  /** Give 1 for tokens that were put in, 0 for those of the text. */
  returnSpecialTokensMask?: boolean;
  /** Default: what the tokenizer's model takes. */
  returnTokenTypeIds?: boolean;
}

interface Columns<Ids, Offsets, Nullable> {
  inputIds: Ids;
  attentionMask: Ids;
  tokenTypeIds?: Ids;
  offsetsMapping?: Offsets;
  wordIds?: Nullable;
  sequenceIds?: Nullable;
  specialTokensMask?: Ids;
}

/** One text as numbers, an entry a token. */
export type EncodedText = Columns<number[], [number, number][], (number | null)[]>;

/** Texts as numbers, a row a text or a window of one. */
export interface BatchEncoding extends Columns<number[][], [number, number][][], (number | null)[][]> {
  /** The text of each row, where overflowing tokens were asked for. */
  overflowToSampleMapping?: number[];
}

function checkTexts(texts: unknown, name: string): asserts texts is readonly string[] {
  const wrong = Array.isArray(texts) ? texts.find((text) => typeof text !== 'string') : texts;
  if (Array.isArray(texts) && texts.every((text) => typeof text === 'string')) return;
  throw new InputError({
    operation: 'Tokenizer.encodeBatch',
    expected: `${name} to be a list of strings`,
    received: describe(wrong),
    remedy: 'pass [text] for one text, or call encode',
  });
}

function checkCount(value: number | undefined, name: string, least: number): void {
  if (value === undefined || (Number.isInteger(value) && value >= least)) return;
  throw new InputError({
    operation: 'Tokenizer.encodeBatch',
    expected: `${name} to be a whole number from ${least}`,
    received: describe(value),
    remedy: `leave ${name} out or correct it`,
  });
}

function truncationOf(tokenizer: Tokenizer, options: EncodeOptions): Truncation | null {
  const strategy = options.truncation === true ? 'longest_first' : options.truncation;
  if (!strategy || strategy === 'do_not_truncate') return null;
  if (!['longest_first', 'only_first', 'only_second'].includes(strategy)) {
    throw new InputError({
      operation: 'Tokenizer.encodeBatch',
      expected: 'truncation of longest_first, only_first, only_second or do_not_truncate',
      received: describe(strategy),
      remedy: 'true is longest_first',
    });
  }
  const maxLength = options.maxLength ?? tokenizer.modelMaxLength;
  if (maxLength >= NO_LIMIT) return null;
  return { maxLength, strategy, stride: options.stride ?? 0, side: tokenizer.truncationSide };
}

function padAll(tokenizer: Tokenizer, encodings: Encoding[], options: EncodeOptions): Encoding[] {
  const { padding } = options;
  if (!padding || padding === 'do_not_pad') return encodings;
  const id = tokenizer.padTokenId;
  if (id === undefined) {
    throw new TokenizerError({
      operation: 'pad',
      expected: 'a tokenizer with a padding token',
      received: 'none',
      remedy: 'set it first: tokenizer.padToken = tokenizer.eosToken',
    });
  }
  let length = encodings.reduce((longest, { ids }) => Math.max(longest, ids.length), 0);
  if (padding === 'max_length') {
    const wanted = options.maxLength ?? tokenizer.modelMaxLength;
    if (wanted < NO_LIMIT) length = wanted;
  }
  const multiple = options.padToMultipleOf ?? 1;
  length = Math.ceil(length / multiple) * multiple;
  const side = options.paddingSide ?? tokenizer.paddingSide;
  return encodings.map((encoding) => padEncoding(encoding, { length, side, id, typeId: 0 }));
}

const nullable = (column: number[]): (number | null)[] => column.map((value) => (value < 0 ? null : value));

/** Encodes texts and their pairs with one set of options. */
export function encodeMany(
  tokenizer: Tokenizer,
  pipeline: Pipeline,
  texts: readonly string[],
  options: EncodeOptions,
): BatchEncoding {
  checkTexts(texts, 'texts');
  if (options.textPairs !== undefined) checkTexts(options.textPairs, 'textPairs');
  if (options.textPairs && options.textPairs.length !== texts.length) {
    throw new InputError({
      operation: 'Tokenizer.encodeBatch',
      expected: `a pair for each of the ${texts.length} texts`,
      received: `${options.textPairs.length} pairs`,
      remedy: 'pass lists of one length',
    });
  }
  checkCount(options.maxLength, 'maxLength', 0);
  checkCount(options.stride, 'stride', 0);
  checkCount(options.padToMultipleOf, 'padToMultipleOf', 1);
  const call = {
    addSpecialTokens: options.addSpecialTokens ?? true,
    hasPlaces: Boolean(options.returnOffsetsMapping || options.returnWordIds),
    truncation: truncationOf(tokenizer, options),
  };
  const encoded = texts.map((text, i) => pipeline.encode(text, options.textPairs?.[i] ?? null, call));
  const rows: Encoding[] = [];
  const samples: number[] = [];
  padAll(tokenizer, encoded, options).forEach((encoding, sample) => {
    const windows = options.returnOverflowingTokens ? [encoding, ...encoding.overflowing] : [encoding];
    rows.push(...windows);
    for (let i = 0; i < windows.length; i++) samples.push(sample);
  });
  return collect(rows, samples, options, options.returnTokenTypeIds ?? tokenizer.givesTokenTypeIds);
}

function collect(
  rows: Encoding[],
  samples: number[],
  options: EncodeOptions,
  hasTypes: boolean,
): BatchEncoding {
  const out: BatchEncoding = {
    inputIds: rows.map((row) => row.ids),
    attentionMask: rows.map((row) => row.attention),
  };
  if (hasTypes) out.tokenTypeIds = rows.map((row) => row.typeIds);
  if (options.returnOffsetsMapping) {
    out.offsetsMapping = rows.map((row) =>
      row.starts.map((start, i): [number, number] => [start, row.ends[i]!]),
    );
  }
  if (options.returnWordIds) out.wordIds = rows.map((row) => nullable(row.words));
  if (options.returnSequenceIds) out.sequenceIds = rows.map((row) => nullable(row.sequences));
  if (options.returnSpecialTokensMask) out.specialTokensMask = rows.map((row) => row.special);
  if (options.returnOverflowingTokens) out.overflowToSampleMapping = samples;
  return out;
}
