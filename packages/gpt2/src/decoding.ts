import * as tf from '@tensorflow/tfjs';
import type { KeyValueCache } from '@weft/attention';
import type { DecodingSession } from '@weft/generation';
import type { GPT2LMHeadModel } from './lm-head.js';

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

  step(tokens: readonly (readonly number[])[], { allPositions = false } = {}): Float32Array {
    const past = this.#cache.length;
    const total = past + tokens[0]!.length;
    for (const row of this.#mask) while (row.length < total) row.push(1);
    let result = new Float32Array(0);
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
      const logits = this.#model.score(wanted.reshape([-1, width])); // [rows, V]
      result = logits.dataSync() as Float32Array<ArrayBuffer>;
    });
    return result;
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
