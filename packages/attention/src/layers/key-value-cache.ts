import * as tf from '@tensorflow/tfjs';
import { InputError } from '@weft/errors';
import { hasKernel, runFused } from '../ops/dispatch.js';
import { CACHE_APPEND, type CacheAppendAttrs } from '../ops/kernels.js';

interface LayerCache {
  key: tf.Tensor3D;
  value: tf.Tensor3D;
}

/** The keys and values of one layer that attention is to look at; only the first `length` positions count. */
export interface CachedKeysAndValues extends LayerCache {
  length: number;
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

  constructor({ numLayers, maxLength }: { numLayers: number; maxLength: number }) {
    this.maxLength = maxLength;
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
    const length = this.#length + key.shape[1];
    if (length > this.maxLength) {
      throw new InputError({
        operation: 'KeyValueCache.append',
        expected: `at most ${this.maxLength} positions`,
        received: String(length),
        remedy: 'shorten the prompt or ask for fewer new tokens',
      });
    }
    const held = this.#layers[layer];
    const next = hasKernel(CACHE_APPEND)
      ? this.#appendInPlace(held, key, value, length)
      : {
          key: concatenate(held?.key, key, this.#length),
          value: concatenate(held?.value, value, this.#length),
        };
    this.#layers[layer] = next;
    return { ...next, length };
  }

  /** Counts `positions` more as fed, after every layer has them. */
  advance(positions: number): void {
    this.#length += positions;
  }

  /** Forgets every position from `length` on. */
  crop(length: number): void {
    this.#length = Math.min(this.#length, length);
  }

  /** Row i goes on from what row indices[i] has seen; the batch may grow or shrink. */
  reorder(indices: readonly number[]): void {
    if (indices.every((index, i) => index === i) && indices.length === this.#layers[0]?.key.shape[0]) return;
    const order = tf.tensor1d([...indices], 'int32');
    this.#layers = this.#layers.map((held) => {
      if (!held) return undefined;
      const moved = {
        key: tf.keep(tf.gather(held.key, order)),
        value: tf.keep(tf.gather(held.value, order)),
      };
      tf.dispose([held.key, held.value]);
      return moved;
    });
    order.dispose();
  }

  dispose(): void {
    for (const held of this.#layers) if (held) tf.dispose([held.key, held.value]);
    this.#layers = this.#layers.map(() => undefined);
    this.#length = 0;
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #appendInPlace(
    held: LayerCache | undefined,
    key: tf.Tensor3D,
    value: tf.Tensor3D,
    length: number,
  ): LayerCache {
    const roomy = held && held.key.shape[1] >= length ? held : this.#grow(held, key, value, length);
    const attrs: CacheAppendAttrs = { position: this.#length };
    tf.dispose(runFused(CACHE_APPEND, { cache: roomy.key, update: key }, attrs));
    tf.dispose(runFused(CACHE_APPEND, { cache: roomy.value, update: value }, attrs));
    return roomy;
  }

  #grow(held: LayerCache | undefined, key: tf.Tensor3D, value: tf.Tensor3D, length: number): LayerCache {
    const capacity = Math.min(this.maxLength, Math.max(64, 2 ** Math.ceil(Math.log2(length))));
    const enlarge = (
      old: tf.Tensor3D | undefined,
      [batch, , width]: [number, number, number],
    ): tf.Tensor3D => {
      const room = tf.keep(tf.fill([batch, capacity, width], 0)) as tf.Tensor3D;
      if (!old) return room;
      tf.dispose(
        runFused(CACHE_APPEND, { cache: room, update: old }, { position: 0 } satisfies CacheAppendAttrs),
      );
      old.dispose();
      return room;
    };
    return { key: enlarge(held?.key, key.shape), value: enlarge(held?.value, value.shape) };
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
