import type { ResolvedOptions } from './options.js';

/** What a processor or a stopping criterion may look at besides the scores. */
export interface RowContext {
  /**
   * All tokens of the row so far: the prompt (for encoder-decoders the decoder's), with its padding on the left, and
   * what was generated.
   */
  tokens: readonly number[];
  promptLength: number;
  /** Which prompt of the batch the row goes on from. */
  promptIndex: number;
}

/** Changes the scores [vocabSize] of one row in place: logits, or log-probabilities in beam search. */
export type LogitsProcessor = (scores: Float32Array, context: RowContext) => void;

const NEVER = Number.NEGATIVE_INFINITY;

/** Divides positive scores by the penalty and multiplies negative ones, so that both fall. */
function penalize(scores: Float32Array, tokens: Iterable<number>, penalty: number): void {
  for (const token of tokens) {
    const score = scores[token]!;
    scores[token] = score < 0 ? score * penalty : score / penalty;
  }
}

/** Makes tokens that were seen less likely, above 1, or likelier, below (Keskar et al., 2019). */
export function repetitionPenalty(penalty: number): LogitsProcessor {
  const rounded = Math.fround(penalty);
  return (scores, { tokens }) => penalize(scores, new Set(tokens), rounded);
}

/** Makes tokens of the source likelier, above 1; one list of tokens a prompt. */
export function encoderRepetitionPenalty(
  penalty: number,
  sources: readonly (readonly number[])[],
): LogitsProcessor {
  const rounded = Math.fround(1 / penalty);
  const sets = sources.map((source) => new Set(source));
  return (scores, { promptIndex }) => penalize(scores, sets[promptIndex]!, rounded);
}

/** Forbids every token that ends an n-gram of `text` whose beginning was just written. */
function forbidNgrams(
  scores: Float32Array,
  text: readonly number[],
  written: readonly number[],
  size: number,
): void {
  const start = written.length - size + 1;
  if (start < 0) return;
  for (let i = 0; i + size <= text.length; i++) {
    let j = 0;
    while (j < size - 1 && text[i + j] === written[start + j]) j++;
    if (j === size - 1) scores[text[i + j]!] = NEVER;
  }
}

/** Forbids every token that would write some n-gram a second time. */
export const noRepeatNgram =
  (size: number): LogitsProcessor =>
  (scores, { tokens }) =>
    forbidNgrams(scores, tokens, tokens, size);

/** Forbids every token that would write an n-gram of the source; one list of tokens a prompt. */
export const encoderNoRepeatNgram =
  (size: number, sources: readonly (readonly number[])[]): LogitsProcessor =>
  (scores, { tokens, promptIndex }) =>
    forbidNgrams(scores, sources[promptIndex]!, tokens, size);

/** Adds a bias to the last token of each sequence where the tokens before it were just written. */
export const sequenceBias =
  (biases: readonly (readonly [tokens: readonly number[], bias: number])[]): LogitsProcessor =>
  (scores, { tokens }) => {
    const added = new Map<number, number>();
    for (const [sequence, bias] of biases) {
      const before = sequence.length - 1;
      // Longer than what was written so far: as in transformers, it does not count, though its beginning might fit.
      if (before < 0 || (before > 0 && sequence.length > tokens.length)) continue;
      let j = 0;
      while (j < before && tokens[tokens.length - before + j] === sequence[j]) j++;
      if (j === before) added.set(sequence[j]!, Math.fround((added.get(sequence[j]!) ?? 0) + bias));
    }
    for (const [token, bias] of added) scores[token]! += bias;
  };

/** Forbids these words: their last token where their first ones were just written. End tokens alone stay. */
export function badWords(
  words: readonly (readonly number[])[],
  eosTokenIds: readonly number[],
): LogitsProcessor {
  const forbidden = words.filter((word) => !(word.length === 1 && eosTokenIds.includes(word[0]!)));
  return sequenceBias(forbidden.map((word) => [word, NEVER] as const));
}

function forbid(scores: Float32Array, tokens: readonly number[]): void {
  for (const token of tokens) scores[token] = NEVER;
}

/** No end before this length, prompt included. */
export const minLength =
  (length: number, eosTokenIds: readonly number[]): LogitsProcessor =>
  (scores, { tokens }) => {
    if (tokens.length < length) forbid(scores, eosTokenIds);
  };

/** No end before this many new tokens. */
export const minNewTokens =
  (count: number, eosTokenIds: readonly number[]): LogitsProcessor =>
  (scores, { tokens, promptLength }) => {
    if (tokens.length - promptLength < count) forbid(scores, eosTokenIds);
  };

/** Allows only the tokens that the function names for what was written so far. */
export const prefixAllowedTokens =
  (allowed: (context: RowContext) => readonly number[]): LogitsProcessor =>
  (scores, context) => {
    const kept = allowed(context).map((token) => [token, scores[token]!] as const);
    scores.fill(NEVER);
    for (const [token, score] of kept) scores[token] = score;
  };

function only(scores: Float32Array, tokens: readonly number[]): void {
  scores.fill(NEVER);
  for (const token of tokens) scores[token] = 0;
}

/** The first token of a decoder that has been fed its start token alone. */
export const forcedBos =
  (token: number): LogitsProcessor =>
  (scores, { tokens }) => {
    if (tokens.length === 1) only(scores, [token]);
  };

/** The last token, when the length limit is reached. */
export const forcedEos =
  (eosTokenIds: readonly number[], maxLength: number): LogitsProcessor =>
  (scores, { tokens }) => {
    if (tokens.length === maxLength - 1) only(scores, eosTokenIds);
  };

const LARGEST = 3.4028234663852886e38;

/** Not-a-number becomes 0, infinities the largest numbers. */
export const removeInvalidValues: LogitsProcessor = (scores) => {
  for (let i = 0; i < scores.length; i++) {
    const score = scores[i]!;
    if (Number.isNaN(score)) scores[i] = 0;
    else if (!Number.isFinite(score)) scores[i] = score > 0 ? LARGEST : -LARGEST;
  }
};

/** From `start` new tokens on, raises the end tokens' scores more with each token. */
export const exponentialDecayLengthPenalty =
  (start: number, factor: number, eosTokenIds: readonly number[]): LogitsProcessor =>
  (scores, { tokens, promptLength }) => {
    const beyond = tokens.length - promptLength - start;
    if (beyond <= 0) return;
    const raise = Math.fround(factor ** beyond - 1);
    for (const token of eosTokenIds) {
      // A forbidden end stays forbidden: minus infinity raised by infinity is no number.
      if (scores[token] !== NEVER) scores[token]! += Math.fround(Math.abs(scores[token]!) * raise);
    }
  };

/** Forbids these tokens. */
export const suppressTokens =
  (tokens: readonly number[]): LogitsProcessor =>
  (scores) =>
    forbid(scores, tokens);

/** Forbids these tokens at the first new position. */
export const beginSuppressTokens =
  (suppressed: readonly number[], beginIndex: number): LogitsProcessor =>
  (scores, { tokens }) => {
    if (tokens.length === beginIndex) forbid(scores, suppressed);
  };

/**
 * The processors that the options ask for, in the order of transformers; the caller's own come last. `sources` are
 * what the encoder reads, or the prompts of a causal model, padding included.
 */
export function buildProcessors(
  options: ResolvedOptions,
  promptLength: number,
  sources: readonly (readonly number[])[],
): LogitsProcessor[] {
  const { eosTokenIds: eos, prefixAllowedTokensFn, exponentialDecayLengthPenalty: decay } = options;
  const firstNew = promptLength + (promptLength === 1 && options.forcedBosTokenId !== undefined ? 1 : 0);
  const list: (LogitsProcessor | undefined | false)[] = [
    notEmpty(options.sequenceBias, sequenceBias),
    notOne(options.encoderRepetitionPenalty, (penalty) => encoderRepetitionPenalty(penalty, sources)),
    notOne(options.repetitionPenalty, repetitionPenalty),
    positive(options.noRepeatNgramSize, noRepeatNgram),
    positive(options.encoderNoRepeatNgramSize, (size) => encoderNoRepeatNgram(size, sources)),
    notEmpty(options.badWordsIds, (words) => badWords(words, eos)),
    positive(options.minLength, (length) => minLength(length, eos)),
    positive(options.minNewTokens, (count) => minNewTokens(count, eos)),
    prefixAllowedTokensFn && prefixAllowedTokens(prefixAllowedTokensFn),
    options.forcedBosTokenId !== undefined && forcedBos(options.forcedBosTokenId),
    options.forcedEosTokenId !== undefined &&
      forcedEos([options.forcedEosTokenId].flat(), options.maxTotalLength),
    options.removeInvalidValues && removeInvalidValues,
    decay && exponentialDecayLengthPenalty(decay[0], decay[1], eos),
    notEmpty(options.suppressTokens, suppressTokens),
    notEmpty(options.beginSuppressTokens, (tokens) => beginSuppressTokens(tokens, firstNew)),
    ...(options.logitsProcessors ?? []),
  ];
  return list.filter((processor) => typeof processor === 'function');
}

const positive = (
  value: number | undefined,
  build: (value: number) => LogitsProcessor,
): LogitsProcessor | undefined => (value !== undefined && value > 0 ? build(value) : undefined);

const notOne = (
  value: number | undefined,
  build: (value: number) => LogitsProcessor,
): LogitsProcessor | undefined => (value !== undefined && value !== 1 ? build(value) : undefined);

const notEmpty = <T>(
  list: readonly T[] | undefined,
  build: (list: readonly T[]) => LogitsProcessor,
): LogitsProcessor | undefined => (list?.length ? build(list) : undefined);
