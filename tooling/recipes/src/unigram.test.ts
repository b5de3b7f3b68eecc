import { expect, it } from 'vitest';
import { unigramLoss } from './unigram.js';

it('scores tokens by their frequency, add one, without the special ones', () => {
  const train = [{ inputIds: [0, 2, 2, 3, 1], specialTokensMask: [1, 0, 0, 0, 1] }];
  const heldOut = [{ inputIds: [0, 2, 4, 1], specialTokensMask: [1, 0, 0, 1] }];
  // Of 3 tokens and 5 more, 2 stands 2 + 1 times, 4 once.
  expect(unigramLoss(train, heldOut, 5)).toBeCloseTo(-(Math.log(3 / 8) + Math.log(1 / 8)) / 2, 12);
});
