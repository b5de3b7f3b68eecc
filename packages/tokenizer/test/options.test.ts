import { describe, expect, it } from 'vitest';
import { type EncodeOptions, Tokenizer, trainByteLevelBpe, trainWordPiece } from '../src/index.ts';
import { firstDifference, Oracle, ourWindows, type Window } from './oracle.ts';
import { fuzzStrings, variedStrings } from './strings.ts';

const corpus = variedStrings();
const texts = fuzzStrings(600, 11);
const pairs = fuzzStrings(600, 12);

function robertaLike(): Tokenizer {
  const json = trainByteLevelBpe(corpus, {
    vocabSize: 1000,
    specialTokens: ['<s>', '<pad>', '</s>', '<mask>'],
  }).toJson();
  return new Tokenizer({
    tokenizer: {
      ...json,
      post_processor: {
        type: 'RobertaProcessing',
        sep: ['</s>', 2],
        cls: ['<s>', 0],
        trim_offsets: true,
        add_prefix_space: false,
      },
    },
    config: { pad_token: '<pad>' },
  });
}

function bertProcessing(): Tokenizer {
  const json = trainWordPiece(corpus, { vocabSize: 1500 }).toJson();
  return new Tokenizer({
    tokenizer: { ...json, post_processor: { type: 'BertProcessing', sep: ['[SEP]', 3], cls: ['[CLS]', 2] } },
    config: { pad_token: '[PAD]' },
  });
}

/** Texts of the basic plane: code points are UTF-16 units there. */
const isBasic = (text: string): boolean => !/[\u{10000}-\u{10ffff}]/u.test(text);
const basic = texts.filter(isBasic).slice(0, 120);
const basicPairs = pairs.filter(isBasic).slice(0, 120);

/** Windows of a pair get their types from the encoding of both together, which the oracle does not see. */
function withoutWindowTypes(windows: Window[]): Window[] {
  return windows.map((window, i) => (i === 0 ? window : { ...window, typeIds: [] }));
}

async function expectWindows(
  oracle: Oracle,
  tokenizer: Tokenizer,
  options: EncodeOptions,
  hasPairs: boolean,
): Promise<number> {
  let refused = 0;
  for (let i = 0; i < basic.length; i++) {
    const text = basic[i]!;
    const pair = hasPairs ? basicPairs[i]! : undefined;
    const call = { ...options, ...(pair === undefined ? {} : { textPairs: [pair] }) };
    let theirs: Window[];
    try {
      theirs = await oracle.windows(text, pair);
    } catch {
      refused++;
      expect(() => ourWindows(tokenizer, [text], call)).toThrow(/truncate/);
      continue;
    }
    const ours = ourWindows(tokenizer, [text], call)[0]!;
    expect(firstDifference([text], [withoutWindowTypes(ours)], [withoutWindowTypes(theirs)])).toBeNull();
  }
  return refused;
}

const families: Record<string, Tokenizer> = {
  WordPiece: trainWordPiece(corpus, { vocabSize: 1500 }),
  BertProcessing: bertProcessing(),
  RobertaProcessing: robertaLike(),
};

const strategies = {
  longest_first: 'LongestFirst',
  only_first: 'OnlyFirst',
  only_second: 'OnlySecond',
} as const;

describe.each(Object.entries(families))('%s', (_, tokenizer) => {
  it.each([true, false])('pairs equal, special tokens: %s', async (addSpecialTokens) => {
    const theirs = await new Oracle(tokenizer).encodeAll(texts, pairs, addSpecialTokens);
    const ours = ourWindows(tokenizer, texts, { textPairs: pairs, addSpecialTokens });
    expect(firstDifference(texts, ours, theirs)).toBeNull();
  });

  it.each([
    [16, 0, 'right'],
    [16, 4, 'right'],
    [13, 5, 'left'],
    [5, 1, 'right'],
  ] as const)('windows of single texts: %i with stride %i, %s', async (maxLength, stride, side) => {
    const oracle = new Oracle(tokenizer);
    oracle.tokenizer.setTruncation(maxLength, { stride, direction: side });
    tokenizer.truncationSide = side;
    await expectWindows(oracle, tokenizer, { truncation: true, maxLength, stride }, false);
    tokenizer.truncationSide = 'right';
  });

  it.each(Object.entries(strategies))('windows of pairs: %s', async (strategy, theirName) => {
    // A stride as long as a window ends the process in the Rust library: only longest_first bounds windows below.
    for (const [maxLength, stride] of [
      [24, 0],
      [31, strategy === 'longest_first' ? 3 : 0],
    ] as const) {
      const options: EncodeOptions = { truncation: strategy as keyof typeof strategies, maxLength, stride };
      const oracle = new Oracle(tokenizer);
      oracle.tokenizer.setTruncation(maxLength, { stride, strategy: theirName as never });
      await expectWindows(oracle, tokenizer, options, true);
    }
  });

  it.each([
    ['right', 1],
    ['left', 8],
  ] as const)('padding %s to a multiple of %i', async (paddingSide, padToMultipleOf) => {
    const oracle = new Oracle(tokenizer);
    oracle.tokenizer.setTruncation(20, { stride: 2 });
    oracle.tokenizer.setPadding({
      direction: paddingSide,
      padToMultipleOf,
      padId: tokenizer.padTokenId!,
      padToken: tokenizer.padToken!,
    });
    const options: EncodeOptions = {
      truncation: true,
      maxLength: 20,
      stride: 2,
      padding: true,
      paddingSide,
      padToMultipleOf,
    };
    // postProcess of the oracle pads too, window by window as encode does for one text.
    await expectWindows(oracle, tokenizer, options, false);
  });

  it('decodes as it does', async () => {
    const { tokenizer: theirs } = new Oracle(tokenizer);
    const rows = tokenizer.encodeBatch(texts).inputIds;
    for (const skip of [true, false]) {
      expect(
        tokenizer.decodeBatch(rows, { skipSpecialTokens: skip, cleanUpTokenizationSpaces: false }),
      ).toEqual(await theirs.decodeBatch(rows, skip));
    }
  });

  it('streams what decode gives, and never half a character', () => {
    for (const row of tokenizer.encodeBatch(texts.filter((text) => !text.includes('\ufffd'))).inputIds) {
      const stream = tokenizer.decodeStream();
      const parts = row.map((id) => stream.push(id));
      expect(parts.join('')).not.toContain('\ufffd');
      for (const part of parts)
        expect(part).toBe((part as string & { toWellFormed(): string }).toWellFormed());
      expect(parts.join('') + stream.end()).toBe(tokenizer.decode(row, { cleanUpTokenizationSpaces: false }));
    }
  });
});

describe('known divergence from the Rust library 0.23', () => {
  it('weft keeps all windows; its encode stops after the word that fills the first', async () => {
    const tokenizer = families.WordPiece!;
    const text = 'the and '.repeat(40);
    const oracle = new Oracle(tokenizer);
    oracle.tokenizer.setTruncation(10, {});
    const [theirs] = await oracle.encodeAll([text]);
    const [ours] = ourWindows(tokenizer, [text], { truncation: true, maxLength: 10 });
    expect(theirs![0]).toEqual(ours![0]);
    expect(theirs!.length).toBeLessThan(ours!.length);
    expect(ours!.flatMap(({ ids }) => ids.slice(1, -1))).toEqual(
      tokenizer.encode(text).inputIds.slice(1, -1),
    );
  });
});

describe('offsets', () => {
  it('cut the token out of the given text', () => {
    const tokenizer = families.WordPiece!;
    const text = 'THE Café 😀 e\u0301 中文';
    const { offsetsMapping, wordIds } = tokenizer.encode(text, {
      addSpecialTokens: false,
      returnOffsetsMapping: true,
      returnWordIds: true,
    });
    const words = new Map<number, [number, number]>();
    offsetsMapping!.forEach(([start, end], i) => {
      const word = words.get(wordIds![i]!) ?? [start, end];
      words.set(wordIds![i]!, [Math.min(word[0], start), Math.max(word[1], end)]);
    });
    expect([...words.values()].map(([start, end]) => text.slice(start, end))).toEqual([
      'THE',
      'Café',
      '😀',
      'e',
      '中',
      '文',
    ]);
  });

  it('takes an unpaired surrogate for U+FFFD', () => {
    const tokenizer = families.RobertaProcessing!;
    expect(tokenizer.encode('a\ud800b').inputIds).toEqual(tokenizer.encode('a\ufffdb').inputIds);
  });
});
