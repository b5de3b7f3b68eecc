import * as tf from '@tensorflow/tfjs';
import { type KeyValueCache, linear } from '@weft/attention';
import type { DecodingInput, DecodingSession } from '@weft/generation';
import type { T5ForConditionalGeneration } from './conditional-generation.js';
import type { Memory } from './model.js';

// T5 has no table of positions: a cache grows as far as a caller generates.
const MAX_LENGTH = 2 ** 20;

/** The encoder runs once, its keys and values are projected once, each target position is decoded once. */
export class T5DecodingSession implements DecodingSession {
  readonly vocabSize: number;
  #model: T5ForConditionalGeneration;
  #cache: KeyValueCache;
  #memory: Memory;

  constructor(model: T5ForConditionalGeneration, { inputIds, attentionMask }: DecodingInput) {
    this.#model = model;
    this.vocabSize = model.outputWeight.shape[0]!;
    this.#cache = model.newCache(MAX_LENGTH);
    this.#memory = { projected: [] };
    tf.tidy(() => {
      const { lastHiddenState } = model.encode({ inputIds, attentionMask });
      this.#memory = model.remember(lastHiddenState, attentionMask);
      for (const tensor of this.#tensors()) tf.keep(tensor);
    });
  }

  get batchSize(): number {
    return this.#memory.projected[0]!.key.shape[0]!;
  }

  get length(): number {
    return this.#cache.length;
  }

  step(tokens: readonly (readonly number[])[], { allPositions = false } = {}): Float32Array {
    let logits = new Float32Array(0);
    tf.tidy(() => {
      const states = this.#model.decode(tokens, this.#memory, { cache: this.#cache });
      const [batch, length, width] = states.shape;
      const wanted =
        allPositions || length === 1 ? states : tf.slice(states, [0, length - 1, 0], [batch, 1, width]);
      const hidden = this.#model.scaled(wanted.reshape([-1, width])); // [rows, E]
      logits = linear(hidden, this.#model.outputWeight).dataSync() as Float32Array<ArrayBuffer>; // [rows, V]
    });
    return logits;
  }

  reorder(indices: readonly number[]): void {
    this.#cache.reorder(indices);
    const { projected, paddingMask } = this.#memory;
    const old = this.#tensors();
    const order = tf.tensor1d([...indices], 'int32');
    const move = <T extends tf.Tensor>(tensor: T): T => tf.keep(tf.gather(tensor, order)) as T;
    this.#memory = {
      projected: projected.map(({ key, value }) => ({ key: move(key), value: move(value) })),
      ...(paddingMask ? { paddingMask: move(paddingMask) } : {}),
    };
    tf.dispose([order, ...old]);
  }

  crop(length: number): void {
    this.#cache.crop(length);
  }

  dispose(): void {
    this.#cache.dispose();
    tf.dispose(this.#tensors());
  }

  #tensors(): tf.Tensor[] {
    const { projected, paddingMask } = this.#memory;
    return [...projected.flatMap(({ key, value }) => [key, value]), ...(paddingMask ? [paddingMask] : [])];
  }
}
