import { describe, expect, it } from 'vitest';
import { Tokenizer, trainByteLevelBpe, trainUnigram } from '../src/index.ts';
import { letters, numbers } from '../src/unicode.ts';
import { firstDifference, Oracle, ourWindows } from './oracle.ts';
import { fuzzStrings, variedStrings } from './strings.ts';

const corpus = variedStrings();
/** Patterns of Split follow Node's version of Unicode, the library's an older one: letters that one lacks. */
const isKnown = (text: string): boolean =>
  [...text].every((character) => {
    const code = character.codePointAt(0)!;
    return (
      /\p{L}/u.test(character) === letters().has(code) && /\p{N}/u.test(character) === numbers().has(code)
    );
  });
const all = [...fuzzStrings(800, 21), ...corpus.slice(0, 800).filter((_, i) => i % 2 === 0)];
const known = all.filter(isKnown);
const bytes = trainByteLevelBpe(corpus.slice(0, 3000), { vocabSize: 800 }).toJson();
const unigram = trainUnigram(corpus.slice(0, 3000), { vocabSize: 5000 }).toJson();
const ascii = Object.fromEntries([...'abcdefghijklmnopqrstuvwxyz'].map((letter, i) => [letter, i + 260]));
const fallback = {
  type: 'BPE',
  unk_token: '<unk>',
  fuse_unk: true,
  byte_fallback: true,
  vocab: {
    '<unk>': 0,
    '▁': 1,
    ...Object.fromEntries(
      Array.from({ length: 256 }, (_, byte) => [
        `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`,
        byte + 2,
      ]),
    ),
    ...ascii,
    th: 300,
    the: 301,
    '▁the': 302,
    in: 303,
  },
  merges: [
    ['t', 'h'],
    ['th', 'e'],
    ['▁', 'the'],
    ['i', 'n'],
  ],
};
const suffixed = {
  type: 'BPE',
  unk_token: '<unk>',
  end_of_word_suffix: '</w>',
  continuing_subword_prefix: null,
  vocab: { '<unk>': 0, t: 1, h: 2, e: 3, 'e</w>': 4, th: 5, 'the</w>': 6, a: 7, 'a</w>': 8 },
  merges: [
    ['t', 'h'],
    ['th', 'e</w>'],
  ],
};

const metaspace = (scheme: string, split: boolean): object => ({
  type: 'Metaspace',
  replacement: '▁',
  prepend_scheme: scheme,
  split,
});
const sequence = (kind: 'normalizers' | 'pretokenizers', ...stages: object[]): object => ({
  type: 'Sequence',
  [kind]: stages,
});
const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false };
const regex = (pattern: string, behavior: string, invert = false): object => ({
  type: 'Split',
  pattern: { Regex: pattern },
  behavior,
  invert,
});
const WORDS =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

const pipelines: Record<string, object> = {
  'Llama 2 style': {
    model: fallback,
    normalizer: sequence(
      'normalizers',
      { type: 'Prepend', prepend: '▁' },
      { type: 'Replace', pattern: { String: ' ' }, content: '▁' },
    ),
    pre_tokenizer: null,
  },
  'Metaspace first': { model: fallback, normalizer: null, pre_tokenizer: metaspace('first', true) },
  'Metaspace never, unsplit': {
    model: fallback,
    normalizer: { type: 'NFC' },
    pre_tokenizer: metaspace('never', false),
  },
  'Llama 3 style': { pre_tokenizer: sequence('pretokenizers', regex(WORDS, 'Isolated'), byteLevel) },
  'ignored merges': { model: { ...(bytes.model as object), ignore_merges: true } },
  'Split removed': { pre_tokenizer: sequence('pretokenizers', regex('[aeiou]+', 'Removed'), byteLevel) },
  'Split inverted': {
    pre_tokenizer: sequence('pretokenizers', regex('\\p{L}+', 'Removed', true), byteLevel),
  },
  'Split merged with previous': {
    pre_tokenizer: sequence('pretokenizers', regex('\\p{N}', 'MergedWithPrevious'), byteLevel),
  },
  'Split merged with next': {
    pre_tokenizer: sequence('pretokenizers', regex('\\p{Lu}', 'MergedWithNext'), byteLevel),
  },
  'Split contiguous': { pre_tokenizer: sequence('pretokenizers', regex('\\p{L}', 'Contiguous'), byteLevel) },
  Digits: {
    pre_tokenizer: sequence('pretokenizers', { type: 'Digits', individual_digits: true }, byteLevel),
  },
  'Digits together': {
    pre_tokenizer: sequence('pretokenizers', { type: 'Digits', individual_digits: false }, byteLevel),
  },
  Punctuation: {
    pre_tokenizer: sequence('pretokenizers', { type: 'Punctuation', behavior: 'Contiguous' }, byteLevel),
  },
  Whitespace: { pre_tokenizer: sequence('pretokenizers', { type: 'Whitespace' }, byteLevel) },
  NFC: { normalizer: { type: 'NFC' } },
  NFD: { normalizer: { type: 'NFD' } },
  NFKC: { normalizer: { type: 'NFKC' } },
  NFKD: { normalizer: { type: 'NFKD' } },
  'strip, lower-case, accents': {
    normalizer: sequence(
      'normalizers',
      { type: 'Strip', strip_left: true, strip_right: true },
      { type: 'NFD' },
      { type: 'Lowercase' },
      { type: 'StripAccents' },
    ),
  },
  Replace: { normalizer: { type: 'Replace', pattern: { Regex: '[aeiou ]{2,}' }, content: 'x' } },
  Nmt: { normalizer: { type: 'Nmt' } },
  'end of word': {
    model: suffixed,
    pre_tokenizer: { type: 'WhitespaceSplit' },
    normalizer: { type: 'Lowercase' },
  },
  Unigram: { ...unigram, pre_tokenizer: metaspace('always', true) },
};

describe('stages equal the Rust library', () => {
  it.each(Object.entries(pipelines))('%s', async (_, parts) => {
    const isBytes = !('model' in parts) || parts.model === undefined;
    const base = isBytes || 'type' in parts ? bytes : { ...bytes, added_tokens: [] };
    const tokenizer = new Tokenizer({ tokenizer: { ...base, post_processor: null, ...parts } });
    const texts = JSON.stringify(parts).includes('Split"') ? known : all;
    const theirs = await new Oracle(tokenizer).encodeAll(texts);
    expect(firstDifference(texts, ourWindows(tokenizer, texts), theirs)).toBeNull();
  });
});

const decoders: Record<string, object> = {
  Metaspace: { type: 'Metaspace', replacement: '▁', prepend_scheme: 'always', split: true },
  'Llama 2': {
    type: 'Sequence',
    decoders: [
      { type: 'Replace', pattern: { String: '▁' }, content: ' ' },
      { type: 'ByteFallback' },
      { type: 'Fuse' },
      { type: 'Strip', content: ' ', start: 1, stop: 0 },
    ],
  },
  BPEDecoder: { type: 'BPEDecoder', suffix: '</w>' },
  CTC: { type: 'CTC', pad_token: 'a', word_delimiter_token: '▁', cleanup: true },
  WordPiece: { type: 'WordPiece', prefix: 't', cleanup: true },
};

describe('added tokens', () => {
  it.each([
    { single_word: true },
    { lstrip: true, rstrip: true },
    { normalized: false, special: true },
    { normalized: false, single_word: true, rstrip: true },
  ])('%o', async (flags) => {
    const added = ['the', 'Loom', 'and ', '한국', '123', 'e\u0301'].map((content, i) => ({
      id: 800 + i,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: true,
      special: false,
      ...flags,
    }));
    for (const normalizer of [null, { type: 'Lowercase' }, { type: 'NFC' }]) {
      const tokenizer = new Tokenizer({ tokenizer: { ...bytes, added_tokens: added, normalizer } });
      const theirs = await new Oracle(tokenizer).encodeAll(all);
      expect(firstDifference(all, ourWindows(tokenizer, all), theirs)).toBeNull();
    }
  });
});

describe('known divergence from the Rust library', () => {
  it('Split takes letters that Node knows and the library does not yet', async () => {
    const text = all.filter((one) => !isKnown(one)).join(' ');
    const parts = { pre_tokenizer: sequence('pretokenizers', regex('\\p{L}+', 'Removed'), byteLevel) };
    const tokenizer = new Tokenizer({ tokenizer: { ...bytes, post_processor: null, ...parts } });
    expect(ourWindows(tokenizer, [text])).not.toEqual(await new Oracle(tokenizer).encodeAll([text]));
  });
});

describe('decoders equal the Rust library', () => {
  it.each(Object.entries(decoders))('%s', async (_, decoder) => {
    const tokenizer = new Tokenizer({
      tokenizer: {
        ...bytes,
        added_tokens: [],
        model: fallback,
        normalizer: null,
        pre_tokenizer: metaspace('always', true),
        post_processor: null,
        decoder,
      },
    });
    const rows = tokenizer.encodeBatch(all).inputIds;
    expect(tokenizer.decodeBatch(rows)).toEqual(
      await new Oracle(tokenizer).tokenizer.decodeBatch(rows, false),
    );
  });
});
