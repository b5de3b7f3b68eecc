import { expectClose, readFixture } from '@weft/testing';
import { describe, expect, it } from 'vitest';
import * as weft from '../src/index.js';

const fixture = readFixture(new URL('../fixtures/processors.safetensors', import.meta.url));
const [ROWS, VOCAB] = fixture.tensor('scores').shape as [number, number];
const tokens = fixture.meta.ids as number[];
const source = fixture.meta.source as number[];
const context: weft.RowContext = { tokens, promptLength: 6, promptIndex: 0 };
const length = tokens.length;

const biases = [
  [[5, 9], 2.5],
  [[4], -3],
  [[3, 5, 9], 1.25],
  [[2, 3, 5, 9], 0.5],
  [[8, 5, 9], 100],
] as const;

/** With the names of the generator; exact where nothing is summed over the vocabulary. */
const processors: Record<string, weft.LogitsProcessor> = {
  repetitionPenalty: weft.repetitionPenalty(1.7),
  repetitionReward: weft.repetitionPenalty(0.6),
  encoderRepetitionPenalty: weft.encoderRepetitionPenalty(1.4, [source]),
  noRepeatNgram1: weft.noRepeatNgram(1),
  noRepeatNgram2: weft.noRepeatNgram(2),
  noRepeatNgram3: weft.noRepeatNgram(3),
  noRepeatNgramLong: weft.noRepeatNgram(length + 2),
  encoderNoRepeatNgram: weft.encoderNoRepeatNgram(2, [source]),
  badWords: weft.badWords([[5, 9], [4], [3, 5, 11], [1]], [1]),
  sequenceBias: weft.sequenceBias(biases),
  minLength: weft.minLength(length + 2, [1, 2]),
  minLengthReached: weft.minLength(length, [1, 2]),
  minNewTokens: weft.minNewTokens(5, [1, 2]),
  prefixAllowed: weft.prefixAllowedTokens((row) => [row.tokens.at(-1)!, 7]),
  forcedEos: weft.forcedEos([1, 4], length + 1),
  removeInvalid: weft.removeInvalidValues,
  exponentialDecay: weft.exponentialDecayLengthPenalty(2, 1.3, [1, 2]),
  suppressTokens: weft.suppressTokens([2, 8]),
  beginSuppress: weft.beginSuppressTokens([2, 8], length),
  temperature: weft.temperature(0.6),
};

const warpers: Record<string, (minKeep: number) => weft.LogitsWarper> = {
  topK5: (minKeep) => weft.topK(5, minKeep),
  topK1: (minKeep) => weft.topK(1, minKeep),
  topP0: (minKeep) => weft.topP(0, minKeep),
  'topP0.3': (minKeep) => weft.topP(0.3, minKeep),
  'topP0.9': (minKeep) => weft.topP(0.9, minKeep),
  'topP0.999': (minKeep) => weft.topP(0.999, minKeep),
  'minP0.05': (minKeep) => weft.minP(0.05, minKeep),
  'minP0.9': (minKeep) => weft.minP(0.9, minKeep),
  'typicalP0.2': (minKeep) => weft.typicalP(0.2, minKeep),
  'typicalP0.9': (minKeep) => weft.typicalP(0.9, minKeep),
  'epsilonCutoff0.03': (minKeep) => weft.epsilonCutoff(0.03, minKeep),
  'epsilonCutoff0.5': (minKeep) => weft.epsilonCutoff(0.5, minKeep),
  'etaCutoff0.2': (minKeep) => weft.etaCutoff(0.2, minKeep),
  'etaCutoff0.002': (minKeep) => weft.etaCutoff(0.002, minKeep),
};

function rowsOf(values: ArrayLike<number>): Float32Array[] {
  const all = Float32Array.from(values);
  return Array.from({ length: ROWS }, (_, row) => all.slice(row * VOCAB, (row + 1) * VOCAB));
}

describe('processors do what those of transformers do', () => {
  it.each(Object.keys(processors))('%s', (name) => {
    const expected = rowsOf(fixture.tensor(`processed.${name}`).data);
    for (const [row, scores] of rowsOf(fixture.tensor('scores').data).entries()) {
      if (name === 'removeInvalid' && row < 3) {
        scores[3 + row] = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY][row]!;
      }
      processors[name]!(scores, context);
      const rtol = name === 'exponentialDecay' ? 1e-6 : 0;
      expectClose(scores, expected[row]!, { atol: 0, rtol }, `row ${row}`);
    }
  });
});

describe('filters keep the tokens that those of transformers keep', () => {
  const cases = Object.keys(warpers).flatMap((name) => [1, 3].map((minKeep) => [name, minKeep] as const));
  it.each(cases)('%s, at least %i', (name, minKeep) => {
    const expected = rowsOf(fixture.tensor(`processed.${name}.${minKeep}`).data);
    for (const [row, scores] of rowsOf(fixture.tensor('scores').data).entries()) {
      warpers[name]!(minKeep)(scores);
      // Which of equal scores top-p drops is left to PyTorch's sort: how many, is not.
      if (name.startsWith('topP') && row === 4) expect(scores.sort()).toEqual(expected[row]!.sort());
      else expect(scores, `row ${row}`).toEqual(expected[row]);
    }
  });

  it('all of the generator', () => {
    const known = [
      'scores',
      ...Object.keys(processors).map((name) => `processed.${name}`),
      ...Object.keys(warpers).flatMap((name) => [`processed.${name}.1`, `processed.${name}.3`]),
    ];
    expect(Object.keys(fixture.tensors).sort()).toEqual(known.sort());
  });
});
