import type { ResolvedOptions } from './options.js';

/** What a processor may look at besides the scores. */
export interface RowContext {
  /** All tokens of the row so far: the prompt (for encoder-decoders the decoder's) and what was generated. */
  tokens: readonly number[];
  promptLength: number;
}

/** Changes the scores [vocabSize] of one row in place. */
export type LogitsProcessor = (scores: Float32Array, context: RowContext) => void;

const NEVER = Number.NEGATIVE_INFINITY;

/** Divides positive scores of seen tokens by the penalty and multiplies negative ones (Keskar et al., 2019). */
export const repetitionPenalty =
  (penalty: number): LogitsProcessor =>
  (scores, { tokens }) => {
    for (const token of new Set(tokens)) {
      const score = scores[token]!;
      scores[token] = score < 0 ? score * penalty : score / penalty;
    }
  };

/** Forbids every token that would write some n-gram a second time. */
export const noRepeatNgram =
  (size: number): LogitsProcessor =>
  (scores, { tokens }) => {
    const start = tokens.length - size + 1;
    if (start < 0) return;
    for (let i = 0; i + size <= tokens.length; i++) {
      let same = true;
      for (let j = 0; j < size - 1 && same; j++) same = tokens[i + j] === tokens[start + j];
      if (same) scores[tokens[i + size - 1]!] = NEVER;
    }
  };

/** Adds a bias to the last token of each sequence where the tokens before it were just written. */
export const sequenceBias =
  (biases: readonly (readonly [readonly number[], number])[]): LogitsProcessor =>
  (scores, { tokens }) => {
    const added = new Map<number, number>();
    for (const [sequence, bias] of biases) {
      if (sequence.length === 0) continue;
      const before = sequence.length - 1;
      // Longer than what was written so far: it cannot end here.
      if (before > 0 && sequence.length > tokens.length) continue;
      let matches = true;
      for (let j = 0; j < before && matches; j++)
        matches = tokens[tokens.length - before + j] === sequence[j];
      if (!matches) continue;
      const last = sequence[before]!;
      added.set(last, (added.get(last) ?? 0) + bias);
    }
    for (const [token, bias] of added) scores[token]! += bias;
  };

/** Forbids these words: their last token where their first ones were just written. */
export function badWords(
  words: readonly (readonly number[])[],
  eosTokenIds: readonly number[],
): LogitsProcessor {
  const forbidden = words.filter((word) => !(word.length === 1 && eosTokenIds.includes(word[0]!)));
  return sequenceBias(forbidden.map((word) => [word, NEVER] as const));
}

const forbid =
  (tokens: readonly number[]): ((scores: Float32Array) => void) =>
  (scores) => {
    for (const token of tokens) scores[token] = NEVER;
  };

/** No end before this length, prompt included. */
export function minLength(length: number, eosTokenIds: readonly number[]): LogitsProcessor {
  const noEnd = forbid(eosTokenIds);
  return (scores, { tokens }) => {
    if (tokens.length < length) noEnd(scores);
  };
}

/** No end before this many new tokens. */
export function minNewTokens(count: number, eosTokenIds: readonly number[]): LogitsProcessor {
  const noEnd = forbid(eosTokenIds);
  return (scores, { tokens, promptLength }) => {
    if (tokens.length - promptLength < count) noEnd(scores);
  };
}

const only = (scores: Float32Array, tokens: readonly number[]): void => {
  scores.fill(NEVER);
  for (const token of tokens) scores[token] = 0;
};

/** The first token of a decoder that has been fed its start token alone. */
export const forcedBos =
  (token: number): LogitsProcessor =>
  (scores, { tokens }) => {
    if (tokens.length === 1) only(scores, [token]);
  };

/** The last token, when the length limit is reached. */
export const forcedEos =
  (tokens: readonly number[], maxLength: number): LogitsProcessor =>
  (scores, context) => {
    if (context.tokens.length === maxLength - 1) only(scores, tokens);
  };

export const suppressTokens = (tokens: readonly number[]): LogitsProcessor => forbid(tokens);

/** Forbids these tokens at the first new position. */
export function beginSuppressTokens(tokens: readonly number[], beginIndex: number): LogitsProcessor {
  const suppress = forbid(tokens);
  return (scores, context) => {
    if (context.tokens.length === beginIndex) suppress(scores);
  };
}

/**
 * The processors that the options ask for, in the order of transformers; the caller's own come last.
 */
export function buildProcessors(options: ResolvedOptions, promptLength: number): LogitsProcessor[] {
  const { eosTokenIds, forcedBosTokenId, forcedEosTokenId } = options;
  const list: LogitsProcessor[] = [];
  if (options.sequenceBias?.length) list.push(sequenceBias(options.sequenceBias));
  if (options.repetitionPenalty !== undefined && options.repetitionPenalty !== 1) {
    list.push(repetitionPenalty(options.repetitionPenalty));
  }
  if (options.noRepeatNgramSize) list.push(noRepeatNgram(options.noRepeatNgramSize));
  if (options.badWordsIds?.length) list.push(badWords(options.badWordsIds, eosTokenIds));
  if (options.minLength && eosTokenIds.length) list.push(minLength(options.minLength, eosTokenIds));
  if (options.minNewTokens && eosTokenIds.length) list.push(minNewTokens(options.minNewTokens, eosTokenIds));
  if (forcedBosTokenId !== undefined) list.push(forcedBos(forcedBosTokenId));
  if (forcedEosTokenId !== undefined) list.push(forcedEos([forcedEosTokenId].flat(), options.maxTotalLength));
  if (options.suppressTokens?.length) list.push(suppressTokens(options.suppressTokens));
  if (options.beginSuppressTokens?.length) {
    const forcedFirst = promptLength === 1 && forcedBosTokenId !== undefined ? 1 : 0;
    list.push(beginSuppressTokens(options.beginSuppressTokens, promptLength + forcedFirst));
  }
  return [...list, ...(options.logitsProcessors ?? [])];
}
