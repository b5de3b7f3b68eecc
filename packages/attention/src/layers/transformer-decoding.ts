import tf = require('@tensorflow/tfjs');

import { linear } from '../ops/linear.js';
import { type IdRows, idTensor } from './ids.js';
import { KeyValueCache } from './key-value-cache.js';
import type { KeysAndValues } from './multi-head-attention.js';
import type { Transformer, TransformerMemory } from './transformer.js';

/**
 * Decodes from a Transformer: the encoder runs once, each block's keys and values of the memory are computed
 * once, each target position goes through the decoder once. Has the form of `@weft/generation`'s DecodingSession.
 */
export class TransformerDecoding {
  readonly vocabSize: number;
  #model: Transformer;
  #cache: KeyValueCache;
  #memory: TransformerMemory;
  #projected: KeysAndValues[];

  constructor(model: Transformer, input: { inputIds: IdRows; attentionMask?: IdRows }) {
    this.#model = model;
    this.vocabSize = model.outputWeight.shape[0]!;
    const { layers } = model.decoder;
    this.#cache = new KeyValueCache({ numLayers: layers.length, maxLength: model.maxPositions });
    const { memory, projected } = tf.tidy(() => {
      const encoded = model.encode(input);
      const each = layers.map((block) => block.cross_attn.keysAndValues(encoded.memory));
      return { memory: { ...encoded }, projected: each.map((pair) => ({ ...pair })) };
    });
    this.#memory = memory;
    this.#projected = projected;
    for (const tensor of this.#tensors()) tf.keep(tensor);
  }

  get batchSize(): number {
    return this.#memory.memory.shape[0]!;
  }

  get length(): number {
    return this.#cache.length;
  }

  /** Feeds tokens[row], equally many a row; the logits of the last position, or of all that were fed. */
  step(tokens: readonly (readonly number[])[], { allPositions = false } = {}): Float32Array {
    let logits = new Float32Array(0);
    tf.tidy(() => {
      const states = this.#model.decode(idTensor(tokens, 'tokens'), this.#memory, {
        cache: this.#cache,
        projected: this.#projected,
      }); // [B, T, E]
      const [batch, length, width] = states.shape as [number, number, number];
      const wanted =
        allPositions || length === 1 ? states : tf.slice(states, [0, length - 1, 0], [batch, 1, width]);
      const scores = linear(wanted.reshape([-1, width]), this.#model.outputWeight); // [rows, V]
      logits = scores.dataSync() as Float32Array<ArrayBuffer>;
    });
    return logits;
  }

  /** Row i goes on from what row indices[i] was. */
  reorder(indices: readonly number[]): void {
    this.#cache.reorder(indices);
    const old = this.#tensors();
    const order = tf.tensor1d([...indices], 'int32');
    const move = (tensor: tf.Tensor): tf.Tensor => tf.keep(tf.gather(tensor, order));
    this.#memory = {
      memory: move(this.#memory.memory),
      memoryPaddingMask: move(this.#memory.memoryPaddingMask),
    };
    this.#projected = this.#projected.map(({ key, value }) => ({ key: move(key), value: move(value) }));
    tf.dispose([order, ...old]);
  }

  /** Forgets what was fed from position `length` on. */
  crop(length: number): void {
    this.#cache.crop(length);
  }

  dispose(): void {
    this.#cache.dispose();
    tf.dispose(this.#tensors());
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #tensors(): tf.Tensor[] {
    const { memory, memoryPaddingMask } = this.#memory;
    return [memory, memoryPaddingMask, ...this.#projected.flatMap(({ key, value }) => [key, value])];
  }
}
