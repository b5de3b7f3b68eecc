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
   * caller's until the next call.
   */
  step(tokens: readonly (readonly number[])[], options?: { allPositions?: boolean }): Float32Array;
  /** Row i goes on from what row indices[i] was; the batch may grow or shrink. */
  reorder(indices: readonly number[]): void;
  /** Forgets what was fed from position `length` on. */
  crop(length: number): void;
  dispose(): void;
}

/** What a session begins with. Rows are padded on the left to one length. */
export interface DecodingInput {
  inputIds: readonly (readonly number[])[];
  /** 1 where a token counts, 0 where it is padding. */
  attentionMask: readonly (readonly number[])[];
}

/**
 * A model that can be decoded from. A causal model's session is fed the prompt by its first `step`; an
 * encoder-decoder's runs the encoder over `inputIds` once and is then fed decoder tokens.
 */
export interface GenerativeModel {
  /** From generation_config.json and config.json. */
  readonly generationDefaults: GenerationOptions;
  readonly isEncoderDecoder: boolean;
  /** Positions that a sequence can have, prompt and new tokens together. */
  readonly maxPositions?: number;
  startDecoding(input: DecodingInput): DecodingSession;
}
