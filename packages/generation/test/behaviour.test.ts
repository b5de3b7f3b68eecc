import { GenerationError } from '@weft/errors';
import { readFixture } from '@weft/testing';
import { describe, expect, it } from 'vitest';
import { type GenerationOptions, generate, generateStream, Random, sample } from '../src/index.js';
import { tableModel } from './table-model.js';

const fixture = readFixture(new URL('../fixtures/generation.safetensors', import.meta.url));
const VOCAB = 24;
const model = tableModel(fixture.tensor('table').data as Float32Array, VOCAB);
const prompt = [[3, 5, 8]];

describe('sampling', () => {
  it('draws tokens as often as they are likely', () => {
    const scores = Float32Array.from([0, 1, 2, Number.NEGATIVE_INFINITY, -1]);
    const weights = [...scores].map((score) => Math.exp(score));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    const draws = 20_000;
    const counts = scores.map(() => 0);
    const random = new Random(5);
    for (let i = 0; i < draws; i++) counts[sample(scores, random)]!++;
    expect(counts[3]).toBe(0);
    const chiSquare = [0, 1, 2, 4].reduce((sum, token) => {
      const expected = (draws * weights[token]!) / total;
      return sum + (counts[token]! - expected) ** 2 / expected;
    }, 0);
    expect(chiSquare).toBeLessThan(16.27); // 0.1 % of three degrees of freedom
  });

  it('repeats itself for a seed, and differs for another', async () => {
    const run = (seed: number): Promise<number[][]> =>
      generate(model, prompt, { maxLength: 30, doSample: true, seed }).then(({ sequences }) => sequences);
    expect(await run(1)).toEqual(await run(1));
    expect(await run(1)).not.toEqual(await run(2));
  });

  it('draws each return sequence on its own', async () => {
    const { sequences } = await generate(model, prompt, {
      maxLength: 30,
      doSample: true,
      numReturnSequences: 4,
    });
    expect(sequences).toHaveLength(4);
    expect(new Set(sequences.map(String)).size).toBeGreaterThan(1);
  });

  it('samples among beams without drawing one twice', async () => {
    const options = {
      maxLength: 12,
      doSample: true,
      numBeams: 3,
      numReturnSequences: 3,
      eosTokenId: 1,
      seed: 2,
    };
    const { sequences } = await generate(model, prompt, options);
    expect(new Set(sequences.map(String)).size).toBe(3);
  });
});

describe('streams and stops', () => {
  it('streams what generate gives', async () => {
    const { sequences } = await generate(model, prompt, { maxLength: 12 });
    const streamed: number[] = [];
    for await (const { tokens } of generateStream(model, prompt, { maxLength: 12 }))
      streamed.push(tokens[0]!);
    expect(streamed).toEqual(sequences[0]!.slice(3));
  });

  it('stops at a stop string, even one that spans tokens', async () => {
    const tokenizer = {
      decode: (ids: readonly number[]) => ids.map((id) => String.fromCharCode(97 + id)).join(''),
    };
    const { sequences } = await generate(model, prompt, { maxLength: 30 });
    const text = tokenizer.decode(sequences[0]!.slice(3));
    const stop = text.slice(4, 6);
    const out = await generate(model, prompt, { maxLength: 30, stopStrings: [stop], tokenizer });
    expect(tokenizer.decode(out.sequences[0]!.slice(3))).toBe(text.slice(0, text.indexOf(stop) + 2));
  });

  it('keeps the scores of each step when asked', async () => {
    const { scores, sequences } = await generate(model, prompt, { maxLength: 8, outputScores: true });
    expect(scores).toHaveLength(sequences[0]!.length - 3);
    expect(scores![0]).toHaveLength(VOCAB);
  });

  it('stops within a token of an abort, and frees the session', async () => {
    const controller = new AbortController();
    let steps = 0;
    const countAndAbort = (): boolean => {
      steps++;
      if (steps === 3) controller.abort();
      return false;
    };
    const stoppingCriteria = [countAndAbort];
    const run = generate(model, prompt, { maxLength: 1000, stoppingCriteria, signal: controller.signal });
    await expect(run).rejects.toThrow();
    expect(steps).toBe(3);
  });

  it("runs the caller's own processors last", async () => {
    const only7 = (scores: Float32Array): void => void scores.fill(-1).fill(1, 7, 8);
    const { sequences } = await generate(model, prompt, { maxLength: 6, logitsProcessors: [only7] });
    expect(sequences[0]!.slice(3)).toEqual([7, 7, 7]);
  });
});

describe('refuses', () => {
  const wrong: [string, number[][], GenerationOptions, RegExp][] = [
    ['no prompt', [], {}, /no prompt/],
    ['an empty prompt', [[]], {}, /empty prompt/],
    ['no room', prompt, { maxLength: 3 }, /raise maxNewTokens/],
    ['a temperature of 0', prompt, { doSample: true, temperature: 0 }, /temperature/],
    ['a share above 1', prompt, { topP: 1.5 }, /topP/],
    ['half a beam', prompt, { numBeams: 1.5 }, /numBeams/],
    ['more returns than beams', prompt, { numBeams: 2, numReturnSequences: 3 }, /numReturnSequences/],
    ['stop strings without a tokenizer', prompt, { stopStrings: ['x'] }, /tokenizer/],
  ];
  it.each(wrong)('%s', async (_, inputIds, options, message) => {
    const error = await generate(model, inputIds, options).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(GenerationError);
    expect((error as Error).message).toMatch(message);
  });

  it('more positions than the model has', async () => {
    const short = { ...model, maxPositions: 10 };
    await expect(generate(short, prompt, { maxLength: 11 })).rejects.toThrow(/at most 10 positions/);
  });

  it('to stream beams', async () => {
    await expect(generateStream(model, prompt, { numBeams: 2 }).next()).rejects.toThrow(/not settled/);
  });
});
