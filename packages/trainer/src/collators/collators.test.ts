import { ConfigError, DataError } from '@weft/errors';
import { readFixture, seededRandom } from '@weft/testing';
import { describe, expect, it } from 'vitest';
import {
  corruptSpans,
  dataCollatorForLanguageModeling,
  dataCollatorForSeq2Seq,
  dataCollatorForSpanCorruption,
  dataCollatorWithPadding,
  defaultDataCollator,
  noiseMask,
} from '../index.js';

const tokenizer = { padTokenId: 0 };
const leftPadding = { padTokenId: 0, paddingSide: 'left' } as const;
const place = { seed: 7, epoch: 1, batch: 3, training: true };

describe('padding', () => {
  const examples = [
    { inputIds: [5, 6, 7], tokenTypeIds: [0, 0, 1], label: 1, startPositions: 2, length: 3 },
    { inputIds: [8], tokenTypeIds: [0], label: 0, startPositions: 0, length: 1 },
  ];

  it('goes to the longest, and takes single numbers along', () => {
    expect(dataCollatorWithPadding({ tokenizer })(examples)).toEqual({
      inputIds: [
        [5, 6, 7],
        [8, 0, 0],
      ],
      attentionMask: [
        [1, 1, 1],
        [1, 0, 0],
      ],
      tokenTypeIds: [
        [0, 0, 1],
        [0, 0, 0],
      ],
      labels: [1, 0],
      startPositions: [2, 0],
    });
  });

  it('goes to the left and to a multiple', () => {
    const batch = dataCollatorWithPadding({ tokenizer: leftPadding, padToMultipleOf: 4 })([
      { inputIds: [5, 6], labels: [1, 2] },
      { inputIds: [8], labels: [3] },
    ]);
    expect(batch.inputIds).toEqual([
      [0, 0, 5, 6],
      [0, 0, 0, 8],
    ]);
    expect(batch.labels).toEqual([
      [-100, -100, 1, 2],
      [-100, -100, -100, 3],
    ]);
  });

  it('needs a padding token only where texts differ in length', () => {
    const collate = dataCollatorWithPadding({ tokenizer: {} });
    expect(collate([{ inputIds: [1, 2] }]).inputIds).toEqual([[1, 2]]);
    expect(() => collate([{ inputIds: [1, 2] }, { inputIds: [1] }])).toThrow(DataError);
  });

  it('is not done by the default collator, which renames label', () => {
    expect(
      defaultDataCollator([
        { x: 1, label: 2 },
        { x: 3, label: 4 },
      ]),
    ).toEqual({ x: [1, 3], labels: [2, 4] });
    expect(defaultDataCollator([])).toEqual({});
  });
});

describe('language modelling', () => {
  const row = Array.from({ length: 400 }, (_, i) => 10 + (i % 80));
  const special = row.map((_, i) => (i % 10 === 0 ? 1 : 0));
  const options = { tokenizer, maskTokenId: 4, vocabSize: 100 };
  const examples = Array.from({ length: 50 }, () => ({ inputIds: row, specialTokensMask: special }));

  it('chooses 15 %, of which 80 % become the mask and 10 % any token', () => {
    const { inputIds, labels, specialTokensMask } = dataCollatorForLanguageModeling(options)(examples);
    expect(specialTokensMask).toBeUndefined();
    let [free, chosen, masked, kept] = [0, 0, 0, 0];
    for (const [i, ids] of (inputIds as number[][]).entries()) {
      for (const [t, id] of ids.entries()) {
        const label = (labels as number[][])[i]![t]!;
        if (special[t]) {
          expect([id, label]).toEqual([row[t], -100]);
          continue;
        }
        free++;
        if (label === -100) {
          expect(id).toBe(row[t]);
          continue;
        }
        expect(label).toBe(row[t]);
        chosen++;
        if (id === 4) masked++;
        else if (id === label) kept++;
      }
    }
    // Of 18,000 tokens: within four standard deviations.
    expect(chosen / free).toBeGreaterThan(0.139);
    expect(chosen / free).toBeLessThan(0.161);
    expect(masked / chosen).toBeGreaterThan(0.77);
    expect(masked / chosen).toBeLessThan(0.833);
    expect(kept / chosen).toBeGreaterThan(0.07);
    expect(kept / chosen).toBeLessThan(0.13);
  });

  it('draws by the place of a batch, whatever was drawn before', () => {
    const first = dataCollatorForLanguageModeling(options);
    const second = dataCollatorForLanguageModeling(options);
    first(examples, { ...place, batch: 0 });
    first(examples);
    const wanted = first(examples, place);
    expect(second(examples, place)).toEqual(wanted);
    for (const other of [
      { ...place, batch: 4 },
      { ...place, epoch: 2 },
      { ...place, seed: 8 },
      { ...place, training: false },
    ]) {
      expect(second(examples, other)).not.toEqual(wanted);
    }
    expect(dataCollatorForLanguageModeling({ ...options, seed: 1 })(examples, place)).not.toEqual(wanted);
  });

  it('masks whole words, padded on either side', () => {
    const wordIds = [null, 0, 0, 1, 2, 2, 2, null];
    const inputIds = [1, 11, 12, 13, 14, 15, 16, 2];
    const texts = Array.from({ length: 200 }, (_, i) => ({
      inputIds: i % 2 ? [...inputIds, 17] : inputIds,
      wordIds: i % 2 ? [...wordIds, null] : wordIds,
      specialTokensMask: i % 2 ? [1, 0, 0, 0, 0, 0, 0, 1, 1] : [1, 0, 0, 0, 0, 0, 0, 1],
    }));
    for (const side of ['left', 'right'] as const) {
      const collate = dataCollatorForLanguageModeling({
        ...options,
        tokenizer: { padTokenId: 0, paddingSide: side },
        wholeWordMask: true,
        mlmProbability: 0.5,
      });
      const labels = collate(texts, place).labels as number[][];
      let masked = 0;
      for (const [i, each] of labels.entries()) {
        const start = side === 'left' && i % 2 === 0 ? 1 : 0;
        const on = each.slice(start, start + 8).map((label) => label !== -100);
        expect([on[0], on[7]]).toEqual([false, false]);
        expect(on[1]).toBe(on[2]);
        expect(new Set([on[4], on[5], on[6]]).size).toBe(1);
        masked += Number(on[1]);
      }
      expect(masked).toBeGreaterThan(60);
      expect(masked).toBeLessThan(140);
    }
  });

  it('is causal with mlm false: labels are the ids, padding tokens apart', () => {
    const collate = dataCollatorForLanguageModeling({ tokenizer: { padTokenId: 2 }, mlm: false });
    expect(collate([{ inputIds: [5, 6, 2] }, { inputIds: [7] }]).labels).toEqual([
      [5, 6, -100],
      [7, -100, -100],
    ]);
  });

  it('says what it lacks', () => {
    expect(() => dataCollatorForLanguageModeling({ tokenizer })).toThrow(ConfigError);
    const words = dataCollatorForLanguageModeling({ ...options, wholeWordMask: true });
    expect(() => words(examples)).toThrow(/returnWordIds/);
  });
});

describe('sequence to sequence', () => {
  it('pads labels with -100 and moves them right for the decoder', () => {
    const collate = dataCollatorForSeq2Seq({ tokenizer, decoderStartTokenId: 9 });
    const batch = collate([
      { inputIds: [5, 6], labels: [7, 8, 1] },
      { inputIds: [4], labels: [3, 1] },
    ]);
    expect(batch.labels).toEqual([
      [7, 8, 1],
      [3, 1, -100],
    ]);
    expect(batch.decoderInputIds).toEqual([
      [9, 7, 8],
      [9, 3, 1],
    ]);
  });

  const { meta } = readFixture(new URL('../../fixtures/trainer.safetensors', import.meta.url));
  const spans = meta.spans as { ids: number[]; noise: boolean[]; source: number[]; target: number[] }[];
  it.each(spans)('span corruption of $noise is that of the paper', ({ ids, noise, source, target }) => {
    const sentinels = Array.from({ length: 19 }, (_, i) => 99 - i);
    expect(corruptSpans(ids, noise, sentinels)).toEqual({ source, target });
  });

  it('corrupts the wanted share in spans of the wanted mean length', () => {
    const uniform = seededRandom(3);
    const starts = new Map<number, number>();
    for (let i = 0; i < 300; i++) {
      const noise = noiseMask(200, 0.15, 3, uniform);
      expect(noise.filter(Boolean)).toHaveLength(30);
      const beginnings = noise.flatMap((on, t) => (on && !noise[t - 1] ? [t] : []));
      expect(beginnings).toHaveLength(10);
      expect(noise[0]).toBe(false);
      for (const t of beginnings) starts.set(t, (starts.get(t) ?? 0) + 1);
    }
    expect(starts.size).toBeGreaterThan(180);
    expect(noiseMask(1, 0.15, 3, uniform)).toEqual([false]);
    expect(noiseMask(2, 0.9, 3, uniform)).toEqual([false, true]);
  });

  it('ends both sides and says when sentinels run out', () => {
    const options = { tokenizer, sentinelIds: [99, 98], eosTokenId: 1, decoderStartTokenId: 0 };
    const inputIds = Array.from({ length: 20 }, (_, i) => 10 + i);
    const batch = dataCollatorForSpanCorruption(options)([{ inputIds }], place);
    const [source] = batch.inputIds as number[][];
    const [target] = batch.labels as number[][];
    expect([source!.at(-1), target!.slice(-2), target![0]]).toEqual([1, [98, 1], 99]);
    expect(source!.length + target!.length).toBe(20 + 4 + 1);
    expect(() => dataCollatorForSpanCorruption({ ...options, sentinelIds: [99] })([{ inputIds }])).toThrow(
      /sentinelIds/,
    );
  });
});
