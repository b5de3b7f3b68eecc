import * as tf from '@tensorflow/tfjs';
import { setBackend } from '@weft/backend';
import { beforeAll, expect, it } from 'vitest';
import { reworded, wordNeighbours } from './rewording.js';

beforeAll(() => setBackend());

const vocabulary = new Map([
  ['[PAD]', 0],
  ['warm', 1],
  ['mild', 2],
  ['cold', 3],
  ['##er', 4],
  ['loom', 5],
]);

it('finds the words whose rows point the same way, whatever their length', () => {
  const rows = tf.tensor2d([0, 1, 1, 0, 3, 0.3, -1, 0.1, 1, 0, 0, 9], [6, 2]);
  const before = tf.memory().numTensors;
  const neighbours = wordNeighbours(rows, vocabulary, new Set(['warm', 'cold', 'unknown', '##er']), 2);
  expect(tf.memory().numTensors).toBe(before);
  rows.dispose();
  expect(Object.fromEntries(neighbours)).toEqual({ warm: ['mild', 'loom'], cold: ['loom', 'mild'] });
});

it('exchanges a share of the known words, the same ones for the same seed', () => {
  const neighbours = new Map([['warm', ['mild']]]);
  const texts = Array.from({ length: 200 }, () => 'a warm warm day .');
  const once = reworded(texts, neighbours, { share: 0.25, seed: 3 });
  expect(once).toEqual(reworded(texts, neighbours, { share: 0.25, seed: 3 }));
  const words = once.flatMap((text) => text.split(' '));
  expect(words.filter((word) => word === 'mild').length / 400).toBeCloseTo(0.25, 1);
  expect(words.filter((word) => word === 'day')).toHaveLength(200);
});
