import tf = require('@tensorflow/tfjs');

import { InputError } from '@weft/errors';
import { hasBeamAttention } from '../ops/beam-attention.js';
import { hasKernel, runFused } from '../ops/dispatch.js';
import { CACHE_APPEND, type CacheAppendAttrs } from '../ops/kernels.js';

interface LayerCache {
  key: tf.Tensor3D;
  value: tf.Tensor3D;
}

/** The keys and values of one layer that attention is to look at; only the first `length` positions count. */
export interface CachedKeysAndValues extends LayerCache {
  length: number;
  /**
   * int32 [B, length]: which row of key and value holds each position, for `beamAttention`. Absent where each row
   * holds its own, and always unless the cache shares its rows.
   */
  rows?: tf.Tensor2D;
}

export interface KeyValueCacheOptions {
  numLayers: number;
  maxLength: number;
  /**
   * `reorder` then moves no keys and values but a table of who holds what, where the backend has `beamAttention`: for
   * decoders that look at `rows`.
   */
  sharesRows?: boolean;
}

/**
 * Keys and values of the positions fed so far, for each layer of a decoder. Where the backend can, new
 * positions are written in place into buffers that grow by doubling; elsewhere they are concatenated.
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { KeyValueCache } from '@weft/attention';
 *
 * using cache = new KeyValueCache({ numLayers: 1, maxLength: 8 });
 * const step = tf.ones([2, 1, 4]) as tf.Tensor3D; // [B, T, E]
 * cache.append(0, step, step);
 * cache.advance(1);
 * console.assert(cache.append(0, step, step).length === 2);
 * ```
 */
export class KeyValueCache {
  readonly maxLength: number;
  #layers: (LayerCache | undefined)[];
  #length = 0;
  readonly #sharesRows: boolean;
  #shared: SharedRows | undefined;

  constructor({ numLayers, maxLength, sharesRows = false }: KeyValueCacheOptions) {
    this.maxLength = maxLength;
    this.#sharesRows = sharesRows;
    this.#layers = Array.from({ length: numLayers });
  }

  /** Positions that every layer holds. */
  get length(): number {
    return this.#length;
  }

  /**
   * Adds the keys and values [B, T, E] of new positions to a layer and gives all of them. The cache keeps what
   * it gives; the caller keeps what it passed. `advance` moves on once every layer has been fed.
   */
  append(layer: number, key: tf.Tensor3D, value: tf.Tensor3D): CachedKeysAndValues {
    const length = this.#lengthWith(key.shape[1]);
    // Only one new position at a time can be looked up in the table.
    if (this.#shared && key.shape[1] > 1) this.#settle(this.#shared);
    const held = this.#layers[layer];
    const next = hasKernel(CACHE_APPEND)
      ? this.#appendInPlace(held, key, value, length)
      : {
          key: concatenate(held?.key, key, this.#length),
          value: concatenate(held?.value, value, this.#length),
        };
    this.#layers[layer] = next;
    return this.#seen(next, length);
  }

  /**
   * The buffers of a layer with room for one more position of `batch` rows, which who asks writes in place, for
   * `decoderStep`. `advance` counts it.
   */
  room(layer: number, batch: number, width: number): CachedKeysAndValues {
    const length = this.#lengthWith(1);
    const shape: [number, number, number] = [batch, 1, width];
    const roomy = this.#roomy(this.#layers[layer], shape, shape, length);
    this.#layers[layer] = roomy;
    return this.#seen(roomy, length);
  }

  #seen(held: LayerCache, length: number): CachedKeysAndValues {
    return { ...held, length, ...(this.#shared ? { rows: this.#shared.table(length) } : {}) };
  }

  #lengthWith(positions: number): number {
    const length = this.#length + positions;
    if (length <= this.maxLength) return length;
    throw new InputError({
      operation: 'KeyValueCache.append',
      expected: `at most ${this.maxLength} positions`,
      received: String(length),
      remedy: 'shorten the prompt or ask for fewer new tokens',
    });
  }

  /** Counts `positions` more as fed, after every layer has them. */
  advance(positions: number): void {
    this.#length += positions;
  }

  /** Forgets every position from `length` on. */
  crop(length: number): void {
    this.#length = Math.min(this.#length, length);
    this.#shared?.crop(this.#length);
  }

  /** Row i goes on from what row indices[i] has seen; the batch may grow or shrink. */
  reorder(indices: readonly number[]): void {
    const held = this.#layers[0]?.key.shape[0];
    if (held === undefined) return;
    const batch = this.#shared?.batch ?? held;
    if (indices.every((index, i) => index === i) && indices.length === batch) return;
    if (!(this.#sharesRows && hasKernel(CACHE_APPEND) && hasBeamAttention())) {
      this.#move(indices);
      return;
    }
    // Rows that there is no room for yet.
    if (indices.length > held) this.#move(Array.from(indices, (_, i) => (i < held ? i : 0)));
    this.#shared ??= new SharedRows(held, this.#length);
    this.#shared.reorder(indices, this.#length);
  }

  dispose(): void {
    for (const held of this.#layers) if (held) tf.dispose([held.key, held.value]);
    this.#layers = this.#layers.map(() => undefined);
    this.#length = 0;
    this.#shared?.dispose();
    this.#shared = undefined;
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #move(indices: readonly number[]): void {
    this.#replace((tensor) => {
      const order = tf.tensor1d([...indices], 'int32');
      return tf.gather(tensor, order);
    });
  }

  /** Gives each row its own past again. */
  #settle(shared: SharedRows): void {
    this.#replace((tensor) => {
      const [held, capacity, width] = tensor.shape;
      const places = shared.places(this.#length, capacity); // [B * capacity]
      return tf.gather(tensor.reshape([held * capacity, width]), places).reshape([-1, capacity, width]);
    });
    shared.dispose();
    this.#shared = undefined;
  }

  #replace(change: (tensor: tf.Tensor3D) => tf.Tensor): void {
    const changed = (tensor: tf.Tensor3D): tf.Tensor3D => {
      const next = tf.tidy(() => tf.keep(change(tensor)));
      tensor.dispose();
      return next as tf.Tensor3D;
    };
    this.#layers = this.#layers.map((held) => held && { key: changed(held.key), value: changed(held.value) });
  }

  #appendInPlace(
    held: LayerCache | undefined,
    key: tf.Tensor3D,
    value: tf.Tensor3D,
    length: number,
  ): LayerCache {
    const roomy = this.#roomy(held, key.shape, value.shape, length);
    const attrs: CacheAppendAttrs = { position: this.#length };
    tf.dispose(runFused(CACHE_APPEND, { cache: roomy.key, update: key }, attrs));
    tf.dispose(runFused(CACHE_APPEND, { cache: roomy.value, update: value }, attrs));
    return roomy;
  }

  /** The buffers themselves where they reach, else larger ones that hold the same. */
  #roomy(
    held: LayerCache | undefined,
    keyShape: [number, number, number],
    valueShape: [number, number, number],
    length: number,
  ): LayerCache {
    if (held && held.key.shape[1] >= length) return held;
    const least = this.#sharesRows ? 32 : 64;
    const capacity = Math.min(this.maxLength, Math.max(least, 2 ** Math.ceil(Math.log2(length))));
    const enlarge = (
      old: tf.Tensor3D | undefined,
      [batch, , width]: [number, number, number],
    ): tf.Tensor3D => {
      // Where rows are shared, ones that no beam goes on from may hold what others look at.
      const rows = Math.max(batch, old?.shape[0] ?? 0);
      const room = tf.keep(tf.fill([rows, capacity, width], 0)) as tf.Tensor3D;
      if (!old) return room;
      tf.dispose(
        runFused(CACHE_APPEND, { cache: room, update: old }, { position: 0 } satisfies CacheAppendAttrs),
      );
      old.dispose();
      return room;
    };
    return { key: enlarge(held?.key, keyShape), value: enlarge(held?.value, valueShape) };
  }
}

/** Which row of a cache holds each position of each row. */
class SharedRows {
  /** [B][positions]: position t of row b was written while the row stood at place #rows[b][t]. */
  #rows: number[][];
  #table: tf.Tensor2D | undefined;

  constructor(batch: number, length: number) {
    this.#rows = Array.from({ length: batch }, (_, row) => new Array<number>(length).fill(row));
  }

  get batch(): number {
    return this.#rows.length;
  }

  reorder(indices: readonly number[], length: number): void {
    this.#fill(length);
    this.#rows = indices.map((index) => this.#rows[index]!.slice(0, length));
    this.#forget();
  }

  crop(length: number): void {
    for (const row of this.#rows) row.length = Math.min(row.length, length);
    this.#forget();
  }

  /** int32 [B, length], kept until the next one. */
  table(length: number): tf.Tensor2D {
    if (this.#table?.shape[1] === length) return this.#table;
    this.#fill(length);
    this.#forget();
    const flat = new Int32Array(this.batch * length);
    for (const [b, row] of this.#rows.entries()) {
      for (let t = 0; t < length; t++) flat[b * length + t] = row[t]!;
    }
    this.#table = tf.keep(tf.tensor2d(flat, [this.batch, length], 'int32'));
    return this.#table;
  }

  /** Where each position of each row lies among all positions of the cache, int32 [B * capacity]. */
  places(length: number, capacity: number): tf.Tensor1D {
    this.#fill(length);
    const places = new Int32Array(this.batch * capacity);
    for (const [b, row] of this.#rows.entries()) {
      for (let t = 0; t < length; t++) places[b * capacity + t] = row[t]! * capacity + t;
    }
    return tf.tensor1d(places, 'int32');
  }

  dispose(): void {
    this.#forget();
  }

  /** Positions since the last change were written where each row stands now. */
  #fill(length: number): void {
    for (const [b, row] of this.#rows.entries()) while (row.length < length) row.push(b);
  }

  #forget(): void {
    this.#table?.dispose();
    this.#table = undefined;
  }
}

function concatenate(held: tf.Tensor3D | undefined, added: tf.Tensor3D, length: number): tf.Tensor3D {
  if (!held || length === 0) {
    held?.dispose();
    return tf.keep(added.clone());
  }
  return tf.tidy(() => {
    const known = held.shape[1] === length ? held : tf.slice(held, [0, 0, 0], [-1, length, -1]);
    const all = tf.keep(tf.concat([known, added], 1));
    held.dispose();
    return all;
  });
}
