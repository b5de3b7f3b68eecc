import * as tf from '@tensorflow/tfjs';
import { InputError } from '@weft/errors';
import { describe, expect, it } from 'vitest';
import { KeyValueCache } from './key-value-cache.js';

/** Positions from `start` of a batch, whose entry is 100 * row + position. */
function positions(start: number, length: number, batch = 2): tf.Tensor3D {
  const rows = Array.from({ length: batch }, (_, b) =>
    Array.from({ length }, (_, t) => [100 * b + start + t, -(100 * b + start + t)]),
  );
  return tf.tensor3d(rows);
}

/** Feeds both layers and gives the first column of what attention is shown, a list a row. */
function feed(cache: KeyValueCache, start: number, length: number, batch = 2): number[][] {
  return tf.tidy(() => {
    const update = positions(start, length, batch);
    cache.append(0, update, update);
    const { key, value, length: total } = cache.append(1, update, tf.neg(update));
    cache.advance(length);
    expect(tf.slice(tf.neg(value), [0, 0, 0], [-1, total, -1]).arraySync()).toEqual(
      tf.slice(key, [0, 0, 0], [-1, total, -1]).arraySync(),
    );
    return (key.arraySync() as number[][][]).map((row) => row.slice(0, total).map(([first]) => first!));
  });
}

const upTo = (length: number, ...rows: number[]): number[][] =>
  rows.map((row) => Array.from({ length }, (_, t) => 100 * row + t));

describe('KeyValueCache', () => {
  it('holds what was fed, through growth, crop and reorder, and frees it', () => {
    const before = tf.memory().numTensors;
    const cache = new KeyValueCache({ numLayers: 2, maxLength: 300 });
    expect(feed(cache, 0, 3)).toEqual(upTo(3, 0, 1));
    for (let t = 3; t < 70; t++) feed(cache, t, 1);
    expect(feed(cache, 70, 100)).toEqual(upTo(170, 0, 1));
    cache.crop(50);
    expect(cache.length).toBe(50);
    expect(feed(cache, 50, 2)).toEqual(upTo(52, 0, 1));
    const held = tf.memory().numTensors;
    cache.reorder([1, 0]);
    expect(tf.memory().numTensors).toBe(held);
    cache.reorder([1, 1, 0]);
    cache.crop(51);
    // Row 0 goes on as row 0 now, whatever it held before.
    expect(feed(cache, 51, 1, 3)).toEqual([0, 0, 1].map((row, i) => [...upTo(51, row)[0]!, 100 * i + 51]));
    cache.crop(0);
    expect(feed(cache, 0, 1, 3)).toEqual(upTo(1, 0, 1, 2));
    cache.dispose();
    cache.dispose();
    expect(cache.length).toBe(0);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('can be filled again after it was freed', () => {
    const before = tf.memory().numTensors;
    {
      using cache = new KeyValueCache({ numLayers: 2, maxLength: 8 });
      feed(cache, 0, 5);
      cache.dispose();
      expect(feed(cache, 0, 2, 1)).toEqual(upTo(2, 0));
    }
    expect(tf.memory().numTensors).toBe(before);
  });

  it('looks beams up instead of moving them, where the backend can', () => {
    const before = tf.memory().numTensors;
    const moving = new KeyValueCache({ numLayers: 2, maxLength: 200 });
    const sharing = new KeyValueCache({ numLayers: 2, maxLength: 200, sharesRows: true });
    /** Feeds one cache and gives the keys of layer 1 row by row, through the table where there is one. */
    const fed = (cache: KeyValueCache, start: number, length: number, batch: number): number[][] =>
      tf.tidy(() => {
        const update = positions(start, length, batch);
        cache.append(0, update, update);
        const { key, length: total, rows } = cache.append(1, update, update);
        cache.advance(length);
        const all = key.arraySync();
        const table = rows?.arraySync() ?? [];
        return Array.from({ length: batch }, (_, b) =>
          Array.from({ length: total }, (_, t) => all[table[b]?.[t] ?? b]![t]![0]!),
        );
      });
    const both = (start: number, length: number, batch: number): void =>
      expect(fed(sharing, start, length, batch)).toEqual(fed(moving, start, length, batch));
    const reorder = (...indices: number[]): void => {
      for (const cache of [moving, sharing]) cache.reorder(indices);
    };
    reorder(0, 1);
    both(0, 2, 2);
    reorder(0, 0, 1, 1);
    both(2, 1, 4);
    reorder(1, 0, 3, 2);
    for (let t = 3; t < 40; t++) both(t, 1, 4);
    reorder(2, 3);
    both(40, 1, 2);
    for (const cache of [moving, sharing]) cache.crop(39);
    reorder(1, 0, 0, 0, 1);
    both(39, 1, 5);
    reorder(3, 1, 4);
    both(40, 3, 3);
    both(43, 1, 3);
    for (const cache of [moving, sharing]) cache.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('refuses more positions than it may hold, and keeps what it has', () => {
    using cache = new KeyValueCache({ numLayers: 2, maxLength: 4 });
    feed(cache, 0, 3);
    tf.tidy(() => {
      const two = positions(3, 2);
      expect(() => cache.append(0, two, two)).toThrow(InputError);
      expect(() => cache.append(0, two, two)).toThrow(/at most 4 positions, received 5/);
    });
    expect(feed(cache, 3, 1)).toEqual(upTo(4, 0, 1));
  });
});
