import { type RandomNumbers, randomNumbers } from '@weft/attention';
import type { CollateContext } from '../dataset.js';

/**
 * Random numbers for each batch of a collator: from the collator's seed and where the trainer says the batch
 * stands, so that a resumed run draws the same; by a count of its own where nobody says.
 */
export function batchNumbers(seed: number): (context: CollateContext | undefined) => RandomNumbers {
  let count = 0;
  return (context) => {
    const place = context
      ? [context.seed, context.epoch, context.batch, context.training ? 1 : 2]
      : [0, 0, count++, 0];
    const words = [seed, Math.floor(seed / 2 ** 32), ...place];
    // randomNumbers takes 53 bits of seed: two hashes of all words fill them.
    return randomNumbers(hash(words, 0x9e3779b9) + (hash(words, 0x85ebca6b) % 2 ** 21) * 2 ** 32);
  };
}

/** FNV-1a over 32-bit words, with the final mix of MurmurHash3. */
function hash(words: readonly number[], start: number): number {
  let state = start | 0;
  for (const word of words) state = Math.imul(state ^ word, 0x01000193) ^ (state >>> 15);
  state = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
  state = Math.imul(state ^ (state >>> 13), 0xc2b2ae35);
  return (state ^ (state >>> 16)) >>> 0;
}
