import { readFixture, seededRandom } from '@weft/testing';
import { describe, expect, it } from 'vitest';
import { type GenerationOptions, generate, Random, sample, softmax } from '../src/index.js';
import { tableModel, tablesOf } from './table-model.js';

const fixture = readFixture(new URL('../fixtures/generated.safetensors', import.meta.url));
const model = tableModel(tablesOf(fixture));
const other = tableModel(tablesOf(fixture, 'other.'));
const prompt = [3, 5, 8];

interface RandomNumbers {
  seed: number;
  stream: number;
  numbers: number[];
}

/**
 * Pearson's statistic, rare outcomes taken together; under the right distribution it is below the limit in all but
 * one of ten thousand cases (by the cube-root approximation of Wilson and Hilferty).
 */
function expectDrawnFrom(counts: ArrayLike<number>, probabilities: ArrayLike<number>, draws: number): void {
  let [statistic, degrees, restCount, restExpected] = [0, -1, 0, 0];
  const add = (count: number, expected: number): void => {
    statistic += (count - expected) ** 2 / expected;
    degrees++;
  };
  for (let i = 0; i < probabilities.length; i++) {
    const expected = draws * probabilities[i]!;
    if (expected === 0) expect(counts[i], `outcome ${i} has probability 0`).toBe(0);
    else if (expected >= 5) add(counts[i]!, expected);
    else {
      restCount += counts[i]!;
      restExpected += expected;
    }
  }
  if (restExpected >= 1) add(restCount, restExpected);
  const spread = 2 / (9 * degrees);
  expect(degrees).toBeGreaterThan(0);
  expect(statistic).toBeLessThan(degrees * (1 - spread + 3.72 * Math.sqrt(spread)) ** 3);
}

/** First new tokens of many calls, one seed each. */
async function drawFirst(options: GenerationOptions, draws: number): Promise<number[]> {
  const counts = new Array<number>(24).fill(0);
  const numReturnSequences = 500;
  for (let seed = 0; seed < draws / numReturnSequences; seed++) {
    const all = { doSample: true, maxNewTokens: 1, numReturnSequences, seed, ...options };
    const { sequences } = await generate(model, [prompt], all);
    for (const ids of sequences) counts[ids[3]!]!++;
  }
  return counts;
}

describe('Random', () => {
  it('is even, and its streams differ', () => {
    const cells = 100;
    for (const stream of [0, 1, 2, 12_345]) {
      const counts = new Array<number>(cells).fill(0);
      const random = new Random(7, stream);
      for (let i = 0; i < 100_000; i++) counts[Math.floor(random.next() * cells)]!++;
      expectDrawnFrom(counts, new Array<number>(cells).fill(1 / cells), 100_000);
    }
    const firsts = Array.from({ length: 1000 }, (_, stream) => new Random(7, stream).next());
    expect(new Set(firsts).size).toBe(1000);
    const counts = new Array<number>(10).fill(0);
    for (const first of firsts) counts[Math.floor(first * 10)]!++;
    expectDrawnFrom(counts, new Array<number>(10).fill(0.1), 1000);
  });

  it('gives the numbers that its description gives elsewhere', () => {
    for (const { seed, stream, numbers } of fixture.meta.random as RandomNumbers[]) {
      const random = new Random(seed, stream);
      expect(numbers.map(() => random.next())).toEqual(numbers);
    }
  });
});

describe('tokens are drawn as often as they are likely', () => {
  it('from scores', () => {
    const uniform = seededRandom(3);
    const scores = Float32Array.from({ length: 200 }, () => 6 * uniform() - 3);
    scores[17] = Number.NEGATIVE_INFINITY;
    const probabilities = scores.slice();
    softmax(probabilities);
    const counts = new Array<number>(200).fill(0);
    const random = new Random(5);
    for (let i = 0; i < 100_000; i++) counts[sample(scores, random)]!++;
    expectDrawnFrom(counts, probabilities, 100_000);
  });

  it.each<[string, GenerationOptions]>([
    ['without filters', { topK: 0 }],
    ['past top-k alone', { topK: 3 }],
    ['past top-k and others, in the few that are left', { topK: 4, topP: 0.95, temperature: 1.5 }],
    ['past top-p', { topK: 0, topP: 0.8 }],
    ['past min-p and a penalty', { topK: 0, minP: 0.05, repetitionPenalty: 1.4 }],
  ])('%s', async (_, options) => {
    const kept = { ...options, doSample: true, maxNewTokens: 1, outputScores: true };
    const { scores } = await generate(model, [prompt], kept);
    const probabilities = scores![0]!;
    softmax(probabilities);
    expectDrawnFrom(await drawFirst(options, 20_000), probabilities, 20_000);
  });

  it('with the help of an assistant that thinks otherwise', async () => {
    // Pairs of first and second token: both the checks and what is drawn after a refusal must be right.
    const draws = 6000;
    const options = { doSample: true, maxNewTokens: 2, topK: 4, temperature: 1.4, eosTokenId: [] };
    const pairs = async (more: GenerationOptions, offset: number): Promise<Map<string, number>> => {
      const counts = new Map<string, number>();
      for (let seed = 0; seed < draws; seed++) {
        const { sequences } = await generate(model, [prompt], { ...options, ...more, seed: seed + offset });
        const pair = sequences[0]!.slice(3).join();
        counts.set(pair, (counts.get(pair) ?? 0) + 1);
      }
      return counts;
    };
    const { scores: first } = await generate(model, [prompt], {
      ...options,
      maxNewTokens: 1,
      outputScores: true,
    });
    const expected = new Map<string, number>();
    const p = first![0]!;
    softmax(p);
    for (const [token, probability] of p.entries()) {
      if (probability === 0) continue;
      const then = { ...options, maxNewTokens: 1, outputScores: true };
      const { scores } = await generate(model, [[...prompt, token]], then);
      const q = scores![0]!;
      softmax(q);
      for (const [next, chance] of q.entries()) {
        if (chance > 0) expected.set(`${token},${next}`, probability * chance);
      }
    }
    const outcomes = [...expected.keys()];
    const chances = outcomes.map((outcome) => expected.get(outcome)!);
    for (const more of [{ assistantModel: other }, { assistantModel: model }, { promptLookupNumTokens: 3 }]) {
      const counts = await pairs({ ...more, numAssistantTokens: 2, assistantConfidenceThreshold: 0 }, 1);
      expect([...counts.keys()].every((pair) => expected.has(pair))).toBe(true);
      expectDrawnFrom(
        outcomes.map((outcome) => counts.get(outcome) ?? 0),
        chances,
        draws,
      );
    }
  });
});

describe('seeds', () => {
  const options = { maxLength: 30, doSample: true, eosTokenId: 1 };

  it('repeat a run, and differ from each other', async () => {
    const run = async (seed?: number): Promise<number[][]> =>
      (await generate(model, [prompt], { ...options, ...(seed === undefined ? {} : { seed }) })).sequences;
    expect(await run(1)).toEqual(await run(1));
    expect(await run(1)).not.toEqual(await run(2));
    expect(await run()).not.toEqual(await run());
  });

  it('give a row the same tokens whatever else is in the batch', async () => {
    const many = { ...options, seed: 3, eosTokenId: [] };
    const alone = await generate(model, [prompt], many);
    const beside = await generate(model, [prompt, [9, 4, 6], [7]], many);
    expect(beside.sequences[0]).toEqual(alone.sequences[0]);
  });

  it('draw each return sequence on its own', async () => {
    const { sequences } = await generate(model, [prompt], { ...options, seed: 1, numReturnSequences: 8 });
    expect(new Set(sequences.map(String)).size).toBe(8);
  });

  it('sample among beams without drawing one twice', async () => {
    const beams = { ...options, maxLength: 12, numBeams: 3, numReturnSequences: 3 };
    for (let seed = 0; seed < 20; seed++) {
      const { sequences } = await generate(model, [prompt, [4]], { ...beams, seed });
      expect(new Set(sequences.slice(0, 3).map(String)).size).toBe(3);
      expect(new Set(sequences.slice(3).map(String)).size).toBe(3);
    }
  });
});
