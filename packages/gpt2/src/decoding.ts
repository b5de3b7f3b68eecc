import * as tf from '@tensorflow/tfjs';
import { type KeyValueCache, type TopTokens, topTokens } from '@weft/attention';
import type { DecodingSession } from '@weft/generation';
import type { GPT2LMHeadModel } from './lm-head.js';

type Tokens = readonly (readonly number[])[];

/** Decodes with a cache: each position goes through the blocks once. */
export class GPT2DecodingSession implements DecodingSession {
  readonly vocabSize: number;
  #model: GPT2LMHeadModel;
  #cache: KeyValueCache;
  /** Whether each position fed or to be fed counts, a row each. */
  #mask: number[][];
  #padded: boolean;

  constructor(model: GPT2LMHeadModel, attentionMask: readonly (readonly number[])[]) {
    this.#model = model;
    this.#cache = model.transformer.newCache();
    this.#mask = attentionMask.map((row) => [...row]);
    this.#padded = attentionMask.some((row) => row.includes(0));
    this.vocabSize = model.outputWeight.shape[0]!;
  }

  get batchSize(): number {
    return this.#mask.length;
  }

  get length(): number {
    return this.#cache.length;
  }

  step(tokens: Tokens, { allPositions = false } = {}): Float32Array {
    return this.#decode(tokens, allPositions, (logits) => logits.dataSync() as Float32Array);
  }

  stepBest(tokens: Tokens): Int32Array {
    return this.#decode(tokens, false, (logits) => tf.argMax(logits, 1).dataSync() as Int32Array);
  }

  stepTop(tokens: Tokens, count: number): TopTokens {
    return this.#decode(tokens, false, (logits) => topTokens(logits, count));
  }

  reorder(indices: readonly number[]): void {
    this.#cache.reorder(indices);
    this.#mask = indices.map((index) => [...this.#mask[index]!]);
  }

  crop(length: number): void {
    this.#cache.crop(length);
    for (const row of this.#mask) row.length = Math.min(row.length, length);
  }

  dispose(): void {
    this.#cache.dispose();
  }

  /** What `read` takes from the logits [rows, V]: of the last position of each row, or of every position. */
  #decode<T>(tokens: Tokens, allPositions: boolean, read: (logits: tf.Tensor) => T): T {
    const past = this.#cache.length;
    const total = past + tokens[0]!.length;
    for (const row of this.#mask) while (row.length < total) row.push(1);
    let result: T | undefined;
    tf.tidy(() => {
      const { lastHiddenState } = this.#model.transformer.forward({
        inputIds: tokens,
        cache: this.#cache,
        ...(this.#padded ? this.#padding(past, total) : {}),
      });
      const [batch, length, width] = lastHiddenState.shape;
      const wanted =
        allPositions || length === 1
          ? lastHiddenState
          : lastHiddenState.slice([0, length - 1, 0], [batch, 1, width]);
      result = read(this.#model.score(wanted.reshape([-1, width])));
    });
    return result as T;
  }

  /** Under left padding a token's position is the number of tokens before it that count. */
  #padding(past: number, total: number): { attentionMask: number[][]; positionIds: number[][] } {
    const attentionMask = this.#mask.map((row) => row.slice(0, total));
    const positionIds = attentionMask.map((row) => {
      let count = 0;
      const positions = row.map((kept) => {
        count += kept;
        return kept ? count - 1 : 1;
      });
      return positions.slice(past);
    });
    return { attentionMask, positionIds };
  }
}
