import type * as tf from '@tensorflow/tfjs';
import type { KeyValueCache } from '@weft/attention';
import type { DecodingSession } from '@weft/generation';
import { StatesSession } from '@weft/model';
import type { GPT2LMHeadModel } from './lm-head.js';

type Tokens = readonly (readonly number[])[];

/** Decodes with a cache: each position goes through the blocks once. */
export class GPT2DecodingSession extends StatesSession implements DecodingSession {
  readonly vocabSize: number;
  #model: GPT2LMHeadModel;
  #cache: KeyValueCache;
  /** Whether each position fed or to be fed counts, a row each. */
  #mask: number[][];
  #padded: boolean;

  constructor(model: GPT2LMHeadModel, attentionMask: readonly (readonly number[])[]) {
    super();
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

  protected override feed(tokens: Tokens, allPositions: boolean): tf.Tensor {
    const past = this.#cache.length;
    const total = past + tokens[0]!.length;
    for (const row of this.#mask) while (row.length < total) row.push(1);
    const padding = this.#padded ? this.#padding(past, total) : {};
    const inputs = { inputIds: tokens, cache: this.#cache, ...padding };
    return this.#model.transformer.forward(inputs, { lastTokenOnly: !allPositions }).lastHiddenState;
  }

  protected override score(states: tf.Tensor): tf.Tensor {
    return this.#model.score(states);
  }

  protected override likeliest(states: tf.Tensor): tf.Tensor {
    return this.#model.likeliest(states);
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
