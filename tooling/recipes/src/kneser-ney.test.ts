import { expect, it } from 'vitest';
import { KneserNey } from './kneser-ney.js';

/** Words that follow each other by a rule, with noise: the next is three times the last, one in four at random. */
function text(length: number, seed: number): number[] {
  let state = seed;
  const draw = (): number => {
    state = (state * 1103515245 + 12345) % 2 ** 31;
    return state / 2 ** 31;
  };
  const ids = [1];
  while (ids.length < length) ids.push(draw() < 0.25 ? Math.floor(draw() * 11) : (ids.at(-1)! * 3) % 11);
  return ids;
}

it('gives a distribution after any context, seen or not', () => {
  const model = new KneserNey([text(400, 1), text(300, 2)], 12, 4);
  for (const context of [[], [1], [1, 3, 9], [5, 5, 5, 5], [11], [11, 2]]) {
    const probabilities = model.distribution(context);
    expect(probabilities.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 10);
    // Token 11 never occurs and still has a share.
    expect(Math.min(...probabilities)).toBeGreaterThan(0);
  }
});

it('computes the bigram by hand', () => {
  // Grams of two: (start 0) (0 1) (1 0) (0 1) (1 2). Followers of 1: 0 and 2, once each.
  const model = new KneserNey([[0, 1, 0, 1, 2]], 3, 2);
  // So small a text takes 0.5 from counts of one, 1 from counts of two.
  // Left neighbours: 0 has start and 1, token 1 has 0, token 2 has 1; counts 2, 1, 1 of 4.
  const lower = [2, 1, 1].map((count) => (count / 2 + (1 + 0.5 + 0.5) / 3) / 4);
  const expected = [
    (0.5 + (0.5 + 0.5) * lower[0]!) / 2,
    ((0.5 + 0.5) * lower[1]!) / 2,
    (0.5 + (0.5 + 0.5) * lower[2]!) / 2,
  ];
  const actual = model.distribution([0, 1]);
  for (const [id, p] of expected.entries()) expect(actual[id]).toBeCloseTo(p, 12);
});

it('knows more of a text from longer grams, and less than the text holds', () => {
  const held = text(500, 7);
  const loss = [1, 2, 3].map(
    (order) => new KneserNey([text(4000, 3)], 11, order).negativeLogLikelihood(held) / held.length,
  );
  // The entropy of the rule: 1.06 nats a token.
  expect(loss[1]).toBeLessThan(loss[0]! - 0.5);
  expect(loss[1]).toBeGreaterThan(1.06);
  expect(loss[2]).toBeLessThan(loss[1]! + 0.1);
});
