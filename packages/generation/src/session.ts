import type { GenerationOptions } from './options.js';

/** One running decode over a batch of rows; rows keep their place unless `reorder` moves them. */
export interface DecodingSession {
  readonly batchSize: number;
  readonly vocabSize: number;
  /** Positions fed so far. */
  readonly length: number;
  /**
   * Feeds tokens[row], the same number n >= 1 to every row, and gives the logits of the last position of each
   * row, [rows * vocabSize]; with `allPositions` of every fed position, [rows * n * vocabSize]. The array is the
   * caller's, to be written over too, until the next call of the session.
   */
  step(tokens: readonly (readonly number[])[], options?: { allPositions?: boolean }): Float32Array;
  /**
   * As `step`, but the likeliest token of each row's last position alone, the first of equals: where nothing changes
   * the logits, greedy decoding asks for no more. Optional.
   */
  stepBest?(tokens: readonly (readonly number[])[]): Int32Array;
  /** As `step`, but the `count` likeliest tokens of each row's last position, for beam search. Optional. */
  stepTop?(tokens: readonly (readonly number[])[], count: number): LikeliestTokens;
  /** Row i goes on from what row indices[i] was; the batch may grow or shrink. */
  reorder(indices: readonly number[]): void;
  /** Forgets what was fed from position `length` on. */
  crop(length: number): void;
  dispose(): void;
}

/** The likeliest tokens of each row, [rows * count], falling, the first of equals first. */
export interface LikeliestTokens {
  tokens: Int32Array;
  /** Rounded as PyTorch's log_softmax: float32((logit - greatest) - float32(log of the sum of exponentials)). */
  logProbabilities: Float32Array;
}

/**
 * What a session begins with: rows of one length. A causal model's prompts are padded on the left, so that all end
 * where the new tokens begin; the sources of an encoder-decoder on the right, so that their positions count from
 * their own start.
 */
export interface DecodingInput {
  inputIds: readonly (readonly number[])[];
  /** 1 where a token counts, 0 where it is padding. */
  attentionMask: readonly (readonly number[])[];
}

/**
 * A model that can be decoded from. A causal model's session is fed the prompt by its first `step`, under the
 * attention mask given here, and further tokens which all count; an encoder-decoder's runs the encoder over
 * `inputIds` once and is then fed decoder tokens.
 */
export interface GenerativeModel {
  /** From generation_config.json and config.json. */
  readonly generationDefaults: GenerationOptions;
  readonly isEncoderDecoder: boolean;
  /** Positions that a decoded sequence can have, prompt and new tokens together. */
  readonly maxPositions?: number;
  /** Of an encoder-decoder: positions that a source can have. */
  readonly maxSourcePositions?: number;
  startDecoding(input: DecodingInput): DecodingSession;
}
