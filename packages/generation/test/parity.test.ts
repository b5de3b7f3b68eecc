import { expectClose, readFixture } from '@weft/testing';
import { describe, expect, it } from 'vitest';
import * as weft from '../src/index.js';
import { tableModel } from './table-model.js';

const fixture = readFixture(new URL('../fixtures/generation.safetensors', import.meta.url));
const scores = fixture.tensor('scores').data as Float32Array;
const VOCAB = 24;
const tokens = fixture.meta.ids as number[];

describe('processors do what those of transformers do', () => {
  const biases = [
    [[5, 9], 2.5],
    [[4], -3],
    [[3, 5, 9], 1.25],
  ] as const;
  const cases: Record<string, weft.LogitsProcessor> = {
    repetitionPenalty: weft.repetitionPenalty(1.7),
    noRepeatNgram2: weft.noRepeatNgram(2),
    noRepeatNgram3: weft.noRepeatNgram(3),
    badWords: weft.badWords([[5, 9], [4], [3, 5, 11]], [1]),
    sequenceBias: weft.sequenceBias(biases),
    minLength: weft.minLength(12, [1, 2]),
    minNewTokens: weft.minNewTokens(5, [1]),
    forcedEos: weft.forcedEos([1], 11),
    suppressTokens: weft.suppressTokens([2, 8]),
    beginSuppress: weft.beginSuppressTokens([2, 8], 10),
    temperature: weft.temperature(0.6),
    topK: weft.topK(5),
    topP: weft.topP(0.7),
    minP: weft.minP(0.15),
    typicalP: weft.typicalP(0.6),
    epsilonCutoff: weft.epsilonCutoff(0.03),
    etaCutoff: weft.etaCutoff(0.2),
  };
  it.each(Object.keys(cases))('%s', (name) => {
    const expected = fixture.tensor(`processed.${name}`).data;
    for (let row = 0; row < 4; row++) {
      const actual = scores.slice(row * VOCAB, (row + 1) * VOCAB);
      cases[name]!(actual, { tokens, promptLength: 6, promptIndex: 0 });
      expectClose(
        actual,
        expected.slice(row * VOCAB, (row + 1) * VOCAB),
        { atol: 1e-6, rtol: 1e-6 },
        `row ${row}`,
      );
    }
  });
});

describe('generated ids are those of transformers', () => {
  const model = tableModel(fixture.tensor('table').data as Float32Array, VOCAB);
  const prompts = fixture.meta.prompts as number[][];
  const generated = fixture.meta.generated as Record<string, { ids: number[][]; scores?: number[] }>;
  const options: Record<string, weft.GenerationOptions> = {
    greedy: {},
    greedyMin: { minLength: 14 },
    penalty: { repetitionPenalty: 1.8 },
    ngram: { noRepeatNgramSize: 2, maxNewTokens: 15 },
    bad: { badWordsIds: [[7], [3, 4]] },
    bias: {
      sequenceBias: [
        [[6], 2],
        [[3, 9], -5],
      ],
    },
    suppress: { suppressTokens: [1, 4, 9], beginSuppressTokens: [5, 6] },
    forcedEos: { forcedEosTokenId: 1, maxLength: 9, suppressTokens: [1] },
    manyEos: { eosTokenId: [1, 4, 9], maxNewTokens: 20 },
    beams: { numBeams: 4 },
    beamsMany: { numBeams: 5, numReturnSequences: 3 },
    beamsEarly: { numBeams: 3, earlyStopping: true },
    beamsNever: { numBeams: 3, earlyStopping: 'never', lengthPenalty: 2 },
    beamsShort: { numBeams: 4, lengthPenalty: -1 },
    beamsPenalty: { numBeams: 3, repetitionPenalty: 1.5, noRepeatNgramSize: 2 },
    beamsTwoEos: { numBeams: 3, eosTokenId: [1, 4], numReturnSequences: 2 },
    beamsForced: { numBeams: 3, forcedEosTokenId: 1, maxLength: 8 },
  };
  const base: weft.GenerationOptions = { maxLength: 16, eosTokenId: 1, padTokenId: 0 };

  it.each(Object.keys(generated))('%s', async (name) => {
    const out = await weft.generate(model, prompts, { ...base, ...options[name] });
    expect(out.sequences).toEqual(generated[name]!.ids);
    const { scores: expected } = generated[name]!;
    if (expected) expectClose(out.sequencesScores!, expected, { atol: 1e-5, rtol: 1e-5 }, 'scores');
  });

  it.each([
    ['prompt lookup', { promptLookupNumTokens: 5, maxMatchingNgramSize: 3 }],
    ['an assistant that is right', { assistantModel: model }],
    ['an assistant that is wrong', { assistantModel: tableModel(shuffled(), VOCAB) }],
  ])('%s changes no token of greedy decoding', async (_, assisted) => {
    for (const prompt of prompts) {
      const plain = await weft.generate(model, [prompt], { ...base, maxLength: 40, eosTokenId: [] });
      const fast = await weft.generate(model, [prompt], {
        ...base,
        maxLength: 40,
        eosTokenId: [],
        ...assisted,
      });
      expect(fast.sequences).toEqual(plain.sequences);
    }
  });
});

function shuffled(): Float32Array {
  return Float32Array.from(fixture.tensor('table').data).reverse();
}
