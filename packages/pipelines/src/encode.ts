import type { EncoderInputs } from '@weft/bert';
import { InputError } from '@weft/errors';
import type { BatchEncoding, EncodeOptions, Tokenizer } from '@weft/tokenizer';
import type { Parts } from './call.js';
import { flag } from './options.js';

/** What becomes of texts that are longer than the model takes. */
export interface LengthOptions {
  /** True: they are cut, with a warning that says by how much. False: they are an error. Default: true. */
  truncation?: boolean | undefined;
}

export const lengthForms = { truncation: flag };

/** The sizes that configurations name, whatever the family. */
export interface ModelConfig {
  model_type?: string;
  max_position_embeddings?: unknown;
  n_positions?: unknown;
  pad_token_id?: unknown;
  [key: string]: unknown;
}

/** How many positions a model has; Infinity where its configuration does not say. */
export function positionsOf(config: ModelConfig): number {
  // RoBERTa numbers its positions from behind the padding token's id.
  const isShifted = ['roberta', 'xlm-roberta', 'camembert'].includes(String(config.model_type));
  const shift = isShifted ? Number(config.pad_token_id ?? 1) + 1 : 0;
  const positions = config.max_position_embeddings ?? config.n_positions;
  return typeof positions === 'number' && config.model_type !== 't5'
    ? positions - shift
    : Number.POSITIVE_INFINITY;
}

/** How many tokens the model and its tokenizer take at once; Infinity where neither says. */
export function maxTokens(tokenizer: Tokenizer, config: ModelConfig): number {
  const ofTokenizer = tokenizer.modelMaxLength < 1e18 ? tokenizer.modelMaxLength : Number.POSITIVE_INFINITY;
  return Math.min(positionsOf(config), ofTokenizer);
}

/**
 * Encodes texts, cutting or refusing those beyond the model's length.
 *
 * @throws InputError where one is too long and `truncation` is false
 */
export function encodeWithin(
  { task, tokenizer, model, warn }: Parts<{ config: ModelConfig }>,
  texts: readonly string[],
  { truncation = true, ...options }: LengthOptions & Omit<EncodeOptions, 'truncation' | 'padding'> = {},
  strategy: 'longest_first' | 'only_first' = 'longest_first',
): BatchEncoding {
  const whole = tokenizer.encodeBatch(texts, options);
  if (whole.inputIds.some(({ length }) => length === 0)) throw emptyText(task);
  const limit = maxTokens(tokenizer, model.config);
  const beyond = whole.inputIds.filter(({ length }) => length > limit);
  if (beyond.length === 0) return whole;
  const longest = Math.max(...beyond.map(({ length }) => length));
  if (!truncation) {
    throw new InputError({
      operation: task,
      expected: `at most ${limit} tokens, all that the model takes`,
      received: `${longest} tokens`,
      remedy: 'shorten the text, or pass truncation: true to have it cut',
    });
  }
  const left = beyond.reduce((sum, { length }) => sum + length - limit, 0);
  const what =
    beyond.length === 1 ? `a text of ${longest} tokens` : `${beyond.length} texts of up to ${longest} tokens`;
  warn(`${task}: ${what} cut to ${limit}, all that the model takes; ${left} tokens are left out`);
  return tokenizer.encodeBatch(texts, { ...options, truncation: strategy, maxLength: limit });
}

interface Padded extends EncoderInputs {
  inputIds: number[][];
  attentionMask: number[][];
  tokenTypeIds?: number[][];
}

/** The rows of an encoding filled up on the right to one length, as a model takes them. */
export function padRows(
  rows: { inputIds: readonly number[][]; tokenTypeIds?: readonly number[][] | undefined },
  padTokenId: number | undefined,
): Padded {
  const longest = rows.inputIds.reduce((most, { length }) => Math.max(most, length), 0);
  const fill = (row: readonly number[], value: number): number[] => [
    ...row,
    ...new Array<number>(longest - row.length).fill(value),
  ];
  return {
    inputIds: rows.inputIds.map((row) => fill(row, padTokenId ?? 0)),
    attentionMask: rows.inputIds.map((row) => fill(new Array<number>(row.length).fill(1), 0)),
    ...(rows.tokenTypeIds ? { tokenTypeIds: rows.tokenTypeIds.map((row) => fill(row, 0)) } : {}),
  };
}

/** The error for a text of which no token is left. */
export function emptyText(operation: string): InputError {
  return new InputError({
    operation,
    expected: 'a text that is not empty',
    received: 'an empty one',
    remedy: 'leave it out',
  });
}
