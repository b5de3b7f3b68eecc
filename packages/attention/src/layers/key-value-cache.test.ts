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
