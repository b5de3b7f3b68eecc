import tf = require('@tensorflow/tfjs');

import { type IdRows, idTensor, type KeysAndValues, type KeyValueCache } from '@weft/attention';
import type { DecodingInput, DecodingSession } from '@weft/generation';
import { partsByLength, Sources } from './seq2seq-sources.js';
import { StatesSession } from './states-session.js';

/** What a decoder looks at: the encoder's states, projected for each layer once. */
export interface Memory {
  projected: KeysAndValues[];
  /** int32 [B, S] */
  paddingMask?: tf.Tensor2D;
}

/** What a session needs of an encoder-decoder. Everything is called inside tf.tidy. */
export interface Seq2SeqDecoder {
  readonly vocabSize: number;
  /** States [B, S, E] of sources. */
  encode(inputs: { inputIds: IdRows; attentionMask?: IdRows }): { lastHiddenState: tf.Tensor };
  /** Keys and values [B, S, I] of the encoder's states for every layer of the decoder. */
  remember(states: tf.Tensor): Memory;
  /**
   * The decoder's states [B, T, E] of new positions. The memory may have fewer rows: then as many rows of the batch, side
   * by side, look at each.
   */
  decode(tokens: IdRows, memory: Memory, options: { cache: KeyValueCache }): tf.Tensor;
  /** Logits [rows, V] of states [rows, E]. */
  score(states: tf.Tensor): tf.Tensor;
  /** The token with the greatest logit, int32 [rows]. */
  likeliest(states: tf.Tensor): tf.Tensor;
  /** An empty cache for the decoder; `sharesRows` as in KeyValueCache. */
  newCache(sharesRows: boolean): KeyValueCache;
}

type Tokens = readonly (readonly number[])[];

/**
 * Decoding of an encoder-decoder. The encoder runs once, over sources of like lengths at a time; its keys and values are
 * projected once and held once a source, however many beams look at them; each target position is decoded once.
 */
export class Seq2SeqDecodingSession extends StatesSession implements DecodingSession {
  readonly vocabSize: number;
  #model: Seq2SeqDecoder;
  #cache: KeyValueCache;
  #memory: Memory;
  #sources: Sources;

  constructor(model: Seq2SeqDecoder, { inputIds, attentionMask }: DecodingInput) {
    super();
    this.#model = model;
    this.vocabSize = model.vocabSize;
    this.#cache = model.newCache(true);
    this.#memory = { projected: [] };
    this.#sources = new Sources(inputIds.length);
    tf.tidy(() => {
      this.#memory = remember(model, inputIds, attentionMask);
      for (const tensor of this.#tensors()) tf.keep(tensor);
    });
  }

  get batchSize(): number {
    return this.#sources.batchSize;
  }

  get length(): number {
    return this.#cache.length;
  }

  reorder(indices: readonly number[]): void {
    this.#cache.reorder(indices);
    const rows = this.#sources.reorder(indices);
    if (!rows) return;
    const { projected, paddingMask } = this.#memory;
    const old = this.#tensors();
    const order = tf.tensor1d(rows, 'int32');
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

  protected override feed(tokens: Tokens): tf.Tensor {
    return this.#model.decode(tokens, this.#memory, { cache: this.#cache });
  }

  protected override score(states: tf.Tensor): tf.Tensor {
    return this.#model.score(states);
  }

  protected override likeliest(states: tf.Tensor): tf.Tensor {
    return this.#model.likeliest(states);
  }

  #tensors(): tf.Tensor[] {
    const { projected, paddingMask } = this.#memory;
    return [...projected.flatMap(({ key, value }) => [key, value]), ...(paddingMask ? [paddingMask] : [])];
  }
}

/** Runs the encoder, over sources of like lengths at a time, and gives what the decoder sees of them. */
function remember(model: Seq2SeqDecoder, inputIds: Tokens, attentionMask: Tokens): Memory {
  const lengths = attentionMask.map((row) => row.lastIndexOf(1) + 1);
  const longest = Math.max(1, ...lengths);
  const parts = partsByLength(lengths);
  const memories = parts.map((rows) => {
    const length = Math.max(1, ...rows.map((row) => lengths[row]!));
    const cut = (of: Tokens): number[][] => rows.map((row) => of[row]!.slice(0, length));
    const mask = cut(attentionMask);
    const padded = mask.some((row) => row.includes(0)) ? { attentionMask: mask } : {};
    const { lastHiddenState } = model.encode({ inputIds: cut(inputIds), ...padded }); // [rows, length, E]
    return model.remember(lastHiddenState).projected;
  });
  const mask = attentionMask.map((row) => row.slice(0, longest));
  const padded = mask.some((row) => row.includes(0)) ? { paddingMask: idTensor(mask, 'attentionMask') } : {};
  if (parts.length === 1) return { projected: memories[0]!, ...padded };
  const order = parts.flat();
  const places = tf.tensor1d(
    order.map((_, row) => order.indexOf(row)),
    'int32',
  );
  const joined = (layer: number, which: 'key' | 'value'): tf.Tensor => {
    const all = memories.map((projected) => {
      const tensor = projected[layer]![which] as tf.Tensor3D; // [rows, length, I]
      return tf.pad(tensor, [
        [0, 0],
        [0, longest - tensor.shape[1]],
        [0, 0],
      ]);
    });
    return tf.gather(tf.concat(all, 0), places); // [B, longest, I]
  };
  const projected = memories[0]!.map((_, layer) => ({
    key: joined(layer, 'key'),
    value: joined(layer, 'value'),
  }));
  return { projected, ...padded };
}
