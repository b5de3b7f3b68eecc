import { GenerationError } from '@weft/errors';
import { readFixture } from '@weft/testing';
import { describe, expect, it } from 'vitest';
import { type GenerationOptions, generate, generateStream, type RowContext } from '../src/index.js';
import { tableModel, tablesOf } from './table-model.js';

const fixture = readFixture(new URL('../fixtures/generated.safetensors', import.meta.url));
const tables = tablesOf(fixture);
const VOCAB = tables.vocabSize;
const defaults: GenerationOptions = { eosTokenId: 1, padTokenId: 0, decoderStartTokenId: 2 };
const newModel = (isEncoderDecoder = false) => tableModel(tables, { isEncoderDecoder, defaults });
const model = newModel();
const prompt = [[3, 5, 8]];
const batch = [[3, 5, 8], [10, 2, 6, 7, 9], [20], [4, 4], [17, 3, 2]];
const letters = {
  decode: (ids: readonly number[]) => ids.map((id) => String.fromCharCode(97 + id)).join(''),
};

describe('batches', () => {
  const kinds: [string, GenerationOptions][] = [
    ['greedy', { maxNewTokens: 25 }],
    ['beams', { maxNewTokens: 25, numBeams: 3, numReturnSequences: 2 }],
    ['early beams', { maxNewTokens: 25, numBeams: 4, earlyStopping: true }],
    ['sampling', { maxNewTokens: 25, doSample: true, topK: 1 }],
  ];
  for (const isEncoderDecoder of [false, true]) {
    const kind = isEncoderDecoder ? 'encoder-decoder' : 'causal';
    it.each(kinds)(`each row as alone: ${kind}, %s`, async (_, options) => {
      const together = await generate(newModel(isEncoderDecoder), batch, options);
      const returned = options.numReturnSequences ?? 1;
      const longest = Math.max(...batch.map(({ length }) => length));
      for (const [i, ids] of batch.entries()) {
        const alone = await generate(newModel(isEncoderDecoder), [ids], options);
        for (const [j, sequence] of alone.sequences.entries()) {
          const skip = isEncoderDecoder ? 0 : longest - ids.length;
          const row = together.sequences[i * returned + j]!.slice(skip);
          expect(row.slice(0, sequence.length)).toEqual(sequence);
          // Beyond it, filling: Python fills with 1 after beams where the pad token is 0.
          expect(row.slice(sequence.length).every((id) => id === 0 || id === 1)).toBe(true);
        }
      }
    });
  }

  it('lose rows that are done, and prompts whose beams are settled', async () => {
    for (const options of [{ numBeams: 1 }, { numBeams: 3, earlyStopping: true }]) {
      const shrinking = newModel();
      await generate(shrinking, batch, { ...options, maxNewTokens: 40 });
      const { batches } = shrinking.counters;
      expect(Math.max(...batches)).toBe(batch.length * options.numBeams);
      expect(batches.at(-1)).toBeLessThan(batch.length * options.numBeams);
    }
  });

  it('feed a prompt once for all its return sequences', async () => {
    const shared = newModel();
    await generate(shared, prompt, {
      doSample: true,
      numReturnSequences: 7,
      maxNewTokens: 3,
      eosTokenId: [],
    });
    expect(shared.counters.batches).toEqual([1, 7, 7]);
  });

  it('take padded prompts with their mask, or know padding by its token', async () => {
    const ragged = await generate(model, batch, {});
    const rows = batch.map((ids) => [...new Array<number>(5 - ids.length).fill(0), ...ids]);
    const attentionMask = rows.map((row, i) => row.map((_, j) => (j < 5 - batch[i]!.length ? 0 : 1)));
    expect(await generate(model, rows, { attentionMask })).toEqual(ragged);
    expect(await generate(model, rows, {})).toEqual(ragged);
  });
});

describe('streams and stops', () => {
  it.each([{}, { promptLookupNumTokens: 3 }, { doSample: true, seed: 4 }])(
    'streams what generate gives: %o',
    async (options) => {
      const all = { maxNewTokens: 12, ...options };
      const { sequences } = await generate(model, prompt, all);
      const streamed: (number | undefined)[] = [];
      for await (const { tokens } of generateStream(model, prompt, all)) streamed.push(tokens[0]);
      expect(streamed).toEqual(sequences[0]!.slice(3));
    },
  );

  it('streams a batch, undefined for rows that are done', async () => {
    const { sequences } = await generate(model, batch, { maxNewTokens: 30 });
    const rows: number[][] = batch.map(() => []);
    for await (const { tokens } of generateStream(model, batch, { maxNewTokens: 30 })) {
      for (const [i, token] of tokens.entries()) if (token !== undefined) rows[i]!.push(token);
    }
    for (const [i, row] of rows.entries()) expect(row).toEqual(sequences[i]!.slice(5, 5 + row.length));
  });

  it('stops at a stop string, even one that spans tokens', async () => {
    const { sequences } = await generate(model, prompt, { maxLength: 30 });
    const text = letters.decode(sequences[0]!.slice(3));
    const stop = text.slice(4, 6);
    const out = await generate(model, prompt, { maxLength: 30, stopStrings: stop, tokenizer: letters });
    expect(letters.decode(out.sequences[0]!.slice(3))).toBe(text.slice(0, text.indexOf(stop) + 2));
  });

  it('does not stop at a stop string of the prompt', async () => {
    const stops = { stopStrings: ['fi'], tokenizer: letters, maxNewTokens: 4, suppressTokens: [1] };
    expect((await generate(model, prompt, stops)).sequences[0]).toHaveLength(7);
  });

  it('stops after a time', async () => {
    const forever = { maxLength: 1e9, maxTime: 0.05, eosTokenId: [] };
    const began = performance.now();
    await generate(model, prompt, forever);
    await generate(model, prompt, { ...forever, numBeams: 3 });
    expect(performance.now() - began).toBeLessThan(5000);
  });

  it.each([{}, { numBeams: 3 }, { promptLookupNumTokens: 3 }, { doSample: true }])(
    'stops within a token of an abort, and frees the session: %o',
    async (options) => {
      const aborted = newModel();
      const controller = new AbortController();
      const lengths: number[] = [];
      const abortAtThree = ({ tokens }: RowContext): boolean => {
        lengths.push(tokens.length);
        if (tokens.length === 6) controller.abort(new Error('enough'));
        return false;
      };
      const run = generate(aborted, prompt, {
        maxLength: 1000,
        stoppingCriteria: [abortAtThree],
        signal: controller.signal,
        suppressTokens: [1],
        ...options,
      });
      await expect(run).rejects.toThrow('enough');
      expect(Math.max(...lengths)).toBeLessThanOrEqual(options.promptLookupNumTokens ? 10 : 6);
      expect(aborted.counters.open).toBe(0);
    },
  );

  it('does not even start when aborted before', async () => {
    const idle = newModel();
    await expect(generate(idle, prompt, { signal: AbortSignal.abort() })).rejects.toThrow(/abort/i);
    expect(idle.counters.steps).toBe(0);
  });

  it('hears an abort that comes from a timer: the event loop has its turn between tokens', async () => {
    const signal = AbortSignal.timeout(20);
    await expect(generate(model, prompt, { maxLength: 1e9, eosTokenId: [], signal })).rejects.toThrow();
  });

  it('frees the session when a reader of the stream leaves', async () => {
    const left = newModel();
    for await (const _ of generateStream(left, prompt, { maxNewTokens: 50 })) break;
    expect(left.counters).toMatchObject({ steps: 1, open: 0 });
  });

  it('frees the sessions when something throws', async () => {
    const failing = newModel();
    const assistantModel = newModel();
    const broken = (): void => {
      throw new Error('broken');
    };
    for (const more of [{}, { numBeams: 2 }, { assistantModel }]) {
      await expect(generate(failing, prompt, { logitsProcessors: [broken], ...more })).rejects.toThrow(
        'broken',
      );
    }
    expect(failing.counters.open + assistantModel.counters.open).toBe(0);
  });
});

describe('assistance', () => {
  it('takes fewer steps of the model', async () => {
    const helped = newModel();
    const plain = newModel();
    const options = { maxNewTokens: 40, suppressTokens: [1], assistantConfidenceThreshold: 0 };
    await generate(plain, prompt, options);
    await generate(helped, prompt, { ...options, assistantModel: model, numAssistantTokens: 4 });
    expect(plain.counters.steps).toBe(40);
    // The prompt but its last token, then five tokens a step.
    expect(helped.counters.steps).toBe(1 + 8);
  });

  it('of an encoder-decoder by another, and by lookup', async () => {
    const plain = await generate(newModel(true), prompt, { maxNewTokens: 20 });
    const assistantModel = tableModel(tablesOf(fixture, 'other.'), { isEncoderDecoder: true });
    for (const more of [
      { assistantModel },
      { assistantModel: newModel(true) },
      { promptLookupNumTokens: 5 },
    ]) {
      expect(await generate(newModel(true), prompt, { maxNewTokens: 20, ...more })).toEqual(plain);
    }
  });

  it('keeps the scores of what it accepts', async () => {
    const options = { maxNewTokens: 12, outputScores: true, outputLogits: true, repetitionPenalty: 1.2 };
    const plain = await generate(model, prompt, options);
    expect(await generate(model, prompt, { ...options, assistantModel: model })).toEqual(plain);
  });
});

describe('refuses', () => {
  const wrong: [string, number[][], GenerationOptions, RegExp][] = [
    ['no prompt', [], {}, /no prompt/],
    ['an empty prompt', [[3], []], {}, /empty prompt at 1/],
    ['what is no list', 'text' as unknown as number[][], {}, /string/],
    ['a tensor in the place of lists', [new Int32Array(2)] as unknown as number[][], {}, /object at 0/],
    ['half a token', [[1.5]], {}, /1\.5 in row 0/],
    ['a token beyond the vocabulary', [[VOCAB]], {}, /vocabulary's size, 24, received 24/],
    ['an option beyond the vocabulary', prompt, { suppressTokens: [3, 99] }, /suppressTokens .* received 99/],
    ['no room', prompt, { maxLength: 3 }, /raise maxNewTokens/],
    ['no new tokens', prompt, { maxNewTokens: 0 }, /raise maxNewTokens/],
    ['a temperature of 0', prompt, { doSample: true, temperature: 0 }, /turn doSample off/],
    ['a negative penalty', prompt, { repetitionPenalty: -1 }, /repetitionPenalty/],
    ['a share above 1', prompt, { topP: 1.5 }, /topP/],
    ['half a beam', prompt, { numBeams: 1.5 }, /numBeams/],
    ['no beam', prompt, { numBeams: 0 }, /numBeams/],
    [
      'more returns than beams',
      prompt,
      { numBeams: 2, numReturnSequences: 3 },
      /numReturnSequences 3; raise/,
    ],
    ['more returns than one greedy text', prompt, { numReturnSequences: 3 }, /turn doSample on/],
    ['an empty bad word', prompt, { badWordsIds: [[]] }, /badWordsIds/],
    ['an empty stop string', prompt, { stopStrings: [''], tokenizer: letters }, /stopStrings/],
    ['stop strings without a tokenizer', prompt, { stopStrings: ['x'] }, /pass tokenizer/],
    ['Python spelling', prompt, { max_new_tokens: 3 } as GenerationOptions, /write maxNewTokens/],
    ['unknown options', prompt, { penaltyAlpha: 3 } as GenerationOptions, /penaltyAlpha/],
    ['a mask of another form', prompt, { attentionMask: [[1, 1]] }, /lengths 2/],
    ['two kinds of assistance', prompt, { assistantModel: model, promptLookupNumTokens: 2 }, /choose one/],
    ['assistance of a batch', batch, { promptLookupNumTokens: 2 }, /5 rows/],
    ['assistance of beams', prompt, { promptLookupNumTokens: 2, numBeams: 2 }, /beams/],
    ['an encoder-decoder as assistant', prompt, { assistantModel: newModel(true) }, /family/],
    ['decoder prompts of different lengths', prompt, { decoderInputIds: [[2]] }, /encoder-decoder/],
  ];
  it.each(wrong)('%s', async (_, inputIds, options, message) => {
    const error = await generate(model, inputIds, options).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(GenerationError);
    expect((error as Error).message).toMatch(message);
    expect(model.counters.open).toBe(0);
  });

  it('more positions than the model has', async () => {
    const short = { ...model, maxPositions: 10 };
    await expect(generate(short, prompt, { maxLength: 11 })).rejects.toThrow(/at most 10 positions/);
    // A length that nobody asked for is cut instead.
    const endless = { eosTokenId: [], suppressTokens: [1] };
    expect((await generate(short, prompt, endless)).sequences[0]).toHaveLength(10);
  });

  it('to stream beams', async () => {
    await expect(generateStream(model, prompt, { numBeams: 2 }).next()).rejects.toThrow(/not settled/);
  });

  it('to draw from nothing', async () => {
    const all = Array.from({ length: VOCAB }, (_, token) => token);
    const run = generate(model, prompt, { doSample: true, suppressTokens: all });
    await expect(run).rejects.toThrow(/finite score to draw, received none for prompt 0/);
    const nan = {
      doSample: true,
      logitsProcessors: [(scores: Float32Array): void => void scores.fill(Number.NaN)],
    };
    await expect(generate(model, prompt, nan)).rejects.toThrow(GenerationError);
  });

  it('an encoder-decoder without a start, and decoder prompts that do not fit', async () => {
    const bare = tableModel(tables, { isEncoderDecoder: true });
    await expect(generate(bare, prompt)).rejects.toThrow(/pass decoderStartTokenId/);
    const decoderInputIds = [[2, 3], [2]];
    const run = generate(newModel(true), [[3], [4]], { decoderInputIds });
    await expect(run).rejects.toThrow(/of one length, received 2 of lengths 2, 1/);
  });

  it('sources that are too long, or cuts them and says by how much', async () => {
    const long = { ...newModel(true), maxSourcePositions: 4 };
    const sources = [
      [3, 5, 8, 9, 4, 1],
      [7, 7, 1, 0, 0, 0],
      [6, 5, 4, 3, 2],
    ];
    await expect(generate(long, sources)).rejects.toThrow(
      /at most 4 tokens, received 6 in source 0; shorten it, split it, or pass longSource: 'cut'/,
    );
    const warnings: string[] = [];
    const warn = (message: string): void => void warnings.push(message);
    const options = { longSource: 'cut', warn, maxNewTokens: 8 } as const;
    const cut = await generate(long, sources, options);
    expect(warnings).toEqual([
      'generate: source 0 has 6 tokens, 2 more than 4: they are cut off',
      'generate: source 2 has 5 tokens, 1 more than 4: they are cut off',
    ]);
    // The end token stays.
    const short = [
      [3, 5, 8, 1],
      [7, 7, 1, 0],
      [6, 5, 4, 3],
    ];
    expect(cut).toEqual(await generate(newModel(true), short, { maxNewTokens: 8 }));
    expect(await generate(newModel(true), sources, { ...options, maxSourceLength: 4 })).toEqual(cut);
    await expect(generate(model, prompt, { maxSourceLength: 4 })).rejects.toThrow(/a causal model/);
  });

  it('an assistant of another vocabulary', async () => {
    const small = { ...tables, vocabSize: 12 };
    const run = generate(model, prompt, { assistantModel: tableModel(small) });
    await expect(run).rejects.toThrow(/vocabulary, 24 tokens, received one of 12/);
  });
});

describe('outputs', () => {
  it('keep scores and logits of each step when asked, and only then', async () => {
    const out = await generate(model, batch, { maxNewTokens: 6, outputScores: true, outputLogits: true });
    const steps = out.sequences[0]!.length - 5;
    for (const kept of [out.scores, out.logits]) {
      expect(kept).toHaveLength(steps);
      for (const values of kept!) expect(values).toHaveLength(batch.length * VOCAB);
    }
    expect(Object.keys(await generate(model, batch))).toEqual(['sequences']);
  });

  it("runs the caller's own processors after the others, before temperature", async () => {
    const seen: number[] = [];
    const look = (scores: Float32Array): void => void seen.push(scores[3]!);
    const base = { maxNewTokens: 1, logitsProcessors: [look] };
    await generate(model, prompt, base);
    await generate(model, prompt, { ...base, doSample: true, temperature: 0.5 });
    await generate(model, prompt, { ...base, sequenceBias: [[[3], 10]] });
    expect(seen[1]).toBe(seen[0]);
    expect(seen[2]).toBe(Math.fround(seen[0]! + 10));
  });

  it('tell processors which prompt a row goes on from', async () => {
    const rows = new Set<string>();
    const note = (_: Float32Array, { promptIndex, tokens }: RowContext): void => {
      rows.add(`${promptIndex} ${tokens[promptIndex === 1 ? 0 : 4]}`);
    };
    await generate(model, batch, { logitsProcessors: [note] });
    await generate(model, batch, { logitsProcessors: [note], numBeams: 2 });
    expect([...rows].sort()).toEqual(['0 8', '1 10', '2 20', '3 4', '4 2']);
  });
});
