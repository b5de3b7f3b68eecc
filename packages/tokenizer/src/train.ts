import { InputError } from '@weft/errors';
import { AlignedText } from './aligned-text.js';
import { bpeModelJson } from './bpe-model.js';
import { BYTE_CHARACTERS, utf8Of } from './bytes.js';
import { Gpt2Splitter } from './gpt2-split.js';
import { describe, type JsonObject } from './json.js';
import { createNormalizer, type Normalizer } from './normalizers.js';
import { createPreTokenizer, type PreTokenizer } from './pre-tokenizers.js';
import { Tokenizer } from './tokenizer.js';
import { trainBpe } from './train-bpe.js';
import { trainUnigramPieces } from './train-unigram.js';
import { wellFormed } from './unicode.js';

interface CommonTraining {
  /** Tokens in all, special ones among them. Default: 30,000. */
  vocabSize?: number;
  /** Pairs rarer than this are not joined. Default: 0. */
  minFrequency?: number;
  /** The first tokens of the vocabulary. */
  specialTokens?: readonly string[];
  /** Written to tokenizer_config.json. */
  modelMaxLength?: number;
  /** Called now and then with the number of merges learned. */
  onProgress?: (merges: number) => void;
}

export interface ByteLevelBpeTraining extends CommonTraining {
  /** Put a space before a text that begins with none. Default: false. */
  addPrefixSpace?: boolean;
}

export interface WordPieceTraining extends CommonTraining {
  /** Default: true. */
  lowercase?: boolean;
  /** Default: as `lowercase`. */
  stripAccents?: boolean;
  /** The most characters that are tokens of their own. Default: all. */
  limitAlphabet?: number;
}

export interface UnigramTraining extends Omit<CommonTraining, 'minFrequency' | 'onProgress'> {
  /** The share of pieces that one round of pruning keeps. Default: 0.75. */
  shrinkingFactor?: number;
  /** In characters. Default: 16. */
  maxPieceLength?: number;
}

function checkTraining({ vocabSize = 30_000, minFrequency = 0 }: CommonTraining, operation: string): void {
  if (Number.isInteger(vocabSize) && vocabSize > 0 && minFrequency >= 0) return;
  throw new InputError({
    operation,
    expected: 'vocabSize to be a whole number from 1, and minFrequency from 0',
    received: `${describe(vocabSize)} and ${describe(minFrequency)}`,
    remedy: 'correct the options',
  });
}

function checkText(text: unknown, operation: string): string {
  if (typeof text === 'string') return wellFormed(text);
  throw new InputError({
    operation,
    expected: 'an iterator of strings',
    received: describe(text),
    remedy: 'pass a list of texts, or a generator of them',
  });
}

function increase(counts: Map<string, number>, word: string, by = 1): void {
  counts.set(word, (counts.get(word) ?? 0) + by);
}

/** Counts words as they stand in the text, and only then writes their bytes. */
function countByteLevel(texts: Iterable<string>, addPrefixSpace: boolean): Map<string, number> {
  const splitter = new Gpt2Splitter();
  const raw = new Map<string, number>();
  for (const given of texts) {
    const checked = checkText(given, 'trainByteLevelBpe');
    const text = addPrefixSpace && checked !== '' && !checked.startsWith(' ') ? ` ${checked}` : checked;
    splitter.split(text, (from, to) => increase(raw, text.slice(from, to)));
  }
  const counts = new Map<string, number>();
  for (const [word, count] of raw) {
    let out = '';
    for (const byte of utf8Of(word)) out += BYTE_CHARACTERS[byte];
    increase(counts, out, count);
  }
  return counts;
}

function countWords(
  texts: Iterable<string>,
  operation: string,
  normalizer: Normalizer | null,
  preTokenizer: PreTokenizer,
): Map<string, number> {
  // Normalizers and pre-tokenizers here work within what lies between spaces.
  const chunks = new Map<string, number>();
  for (const given of texts) {
    const text = checkText(given, operation);
    for (const chunk of text.split(/[ \t\r\n]+/)) if (chunk !== '') increase(chunks, chunk);
  }
  const counts = new Map<string, number>();
  for (const [chunk, count] of chunks) {
    const aligned = AlignedText.from(chunk);
    for (const word of preTokenizer(normalizer ? normalizer(aligned) : aligned)) {
      if (word.length > 0) increase(counts, word.text, count);
    }
  }
  return counts;
}

const addedToken = (content: string, id: number): JsonObject => ({
  id,
  content,
  single_word: false,
  lstrip: false,
  rstrip: false,
  normalized: false,
  special: true,
});

function maxLengthOf({ modelMaxLength }: CommonTraining): JsonObject {
  return modelMaxLength === undefined ? {} : { model_max_length: modelMaxLength };
}

/**
 * Trains a byte-level BPE tokenizer, GPT-2's kind, as the Rust library's trainer does: same merges, same ids.
 *
 * @param texts any iterable of strings; they are read once and need not fit in memory together
 * @throws InputError for options or texts of the wrong kind
 * @example
 * ```ts
 * import { trainByteLevelBpe } from '@weft/tokenizer';
 *
 * const tokenizer = trainByteLevelBpe(['the weft crosses the warp'], { vocabSize: 265 });
 * console.assert(tokenizer.tokenize('the').join() === 'the');
 * ```
 */
export function trainByteLevelBpe(texts: Iterable<string>, options: ByteLevelBpeTraining = {}): Tokenizer {
  checkTraining(options, 'trainByteLevelBpe');
  const {
    vocabSize = 30_000,
    minFrequency = 0,
    specialTokens = ['<|endoftext|>'],
    addPrefixSpace = false,
  } = options;
  const trained = trainBpe(countByteLevel(texts, addPrefixSpace), {
    vocabSize,
    minFrequency,
    specialTokens,
    initialAlphabet: BYTE_CHARACTERS,
    limitAlphabet: Infinity,
    continuingSubwordPrefix: '',
    onProgress: options.onProgress,
  });
  const end = specialTokens.includes('<|endoftext|>') ? '<|endoftext|>' : undefined;
  return new Tokenizer({
    tokenizer: {
      version: '1.0',
      truncation: null,
      padding: null,
      added_tokens: specialTokens.map(addedToken),
      normalizer: null,
      pre_tokenizer: {
        type: 'ByteLevel',
        add_prefix_space: addPrefixSpace,
        trim_offsets: true,
        use_regex: true,
      },
      post_processor: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: false, use_regex: true },
      decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
      model: bpeModelJson(Object.fromEntries(trained.vocab), trained.merges, null),
    },
    config: {
      ...(end ? { tokenizer_class: 'GPT2Tokenizer', bos_token: end, eos_token: end, unk_token: end } : {}),
      add_prefix_space: addPrefixSpace,
      ...maxLengthOf(options),
    },
  });
}

const BERT_TOKENS = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'] as const;

/**
 * Trains a WordPiece tokenizer, BERT's kind. The tokens are those of the Rust library's trainer; where that
 * numbers the letters within words in an order of chance, these are numbered by the alphabet of words.
 *
 * @throws InputError for options or texts of the wrong kind
 * @example
 * ```ts
 * import { trainWordPiece } from '@weft/tokenizer';
 *
 * const tokenizer = trainWordPiece(['Weaver weaves'], { vocabSize: 40 });
 * console.assert(tokenizer.encode('weaver').inputIds[0] === tokenizer.clsTokenId);
 * ```
 */
export function trainWordPiece(texts: Iterable<string>, options: WordPieceTraining = {}): Tokenizer {
  checkTraining(options, 'trainWordPiece');
  const { vocabSize = 30_000, minFrequency = 0, lowercase = true, limitAlphabet = Infinity } = options;
  const specialTokens = [...new Set([...(options.specialTokens ?? BERT_TOKENS), ...BERT_TOKENS])];
  const normalizer: JsonObject = {
    type: 'BertNormalizer',
    clean_text: true,
    handle_chinese_chars: true,
    strip_accents: options.stripAccents ?? null,
    lowercase,
  };
  const preTokenizer = createPreTokenizer({ type: 'BertPreTokenizer' })!;
  const { vocab } = trainBpe(
    countWords(texts, 'trainWordPiece', createNormalizer(normalizer), preTokenizer),
    {
      vocabSize,
      minFrequency,
      specialTokens,
      initialAlphabet: [],
      limitAlphabet,
      continuingSubwordPrefix: '##',
      onProgress: options.onProgress,
    },
  );
  const special = (id: string, typeId: number): JsonObject => ({ SpecialToken: { id, type_id: typeId } });
  const sequence = (id: string, typeId: number): JsonObject => ({ Sequence: { id, type_id: typeId } });
  const entry = (content: string): JsonObject => ({
    id: content,
    ids: [vocab.get(content)!],
    tokens: [content],
  });
  return new Tokenizer({
    tokenizer: {
      version: '1.0',
      truncation: null,
      padding: null,
      added_tokens: specialTokens.map(addedToken),
      normalizer,
      pre_tokenizer: { type: 'BertPreTokenizer' },
      post_processor: {
        type: 'TemplateProcessing',
        single: [special('[CLS]', 0), sequence('A', 0), special('[SEP]', 0)],
        pair: [
          special('[CLS]', 0),
          sequence('A', 0),
          special('[SEP]', 0),
          sequence('B', 1),
          special('[SEP]', 1),
        ],
        special_tokens: { '[CLS]': entry('[CLS]'), '[SEP]': entry('[SEP]') },
      },
      decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
      model: {
        type: 'WordPiece',
        unk_token: '[UNK]',
        continuing_subword_prefix: '##',
        max_input_chars_per_word: 100,
        vocab: Object.fromEntries(vocab),
      },
    },
    config: {
      tokenizer_class: 'BertTokenizer',
      do_lower_case: lowercase,
      pad_token: '[PAD]',
      unk_token: '[UNK]',
      cls_token: '[CLS]',
      sep_token: '[SEP]',
      mask_token: '[MASK]',
      ...maxLengthOf(options),
    },
  });
}

const T5_TOKENS = ['<pad>', '</s>', '<unk>'] as const;

/**
 * Trains a Unigram tokenizer, T5's kind: NFKC, a mark for spaces, and `</s>` after each text.
 *
 * @throws InputError for options or texts of the wrong kind
 * @example
 * ```ts
 * import { trainUnigram } from '@weft/tokenizer';
 *
 * const tokenizer = trainUnigram(['warp and weft', 'weft and warp'], { vocabSize: 20 });
 * const { inputIds } = tokenizer.encode('weft and warp');
 * console.assert(inputIds.at(-1) === tokenizer.eosTokenId);
 * console.assert(tokenizer.decode(inputIds, { skipSpecialTokens: true }) === 'weft and warp');
 * ```
 */
export function trainUnigram(texts: Iterable<string>, options: UnigramTraining = {}): Tokenizer {
  checkTraining(options, 'trainUnigram');
  const { vocabSize = 8_000, shrinkingFactor = 0.75, maxPieceLength = 16 } = options;
  const specialTokens = [...new Set([...T5_TOKENS, ...(options.specialTokens ?? [])])];
  const normalizer: JsonObject = { type: 'NFKC' };
  const metaspace: JsonObject = {
    type: 'Metaspace',
    replacement: '\u2581',
    prepend_scheme: 'always',
    split: true,
  };
  const preTokenizer: JsonObject = {
    type: 'Sequence',
    pretokenizers: [{ type: 'WhitespaceSplit' }, metaspace],
  };
  const counts = countWords(
    texts,
    'trainUnigram',
    createNormalizer(normalizer),
    createPreTokenizer(preTokenizer)!,
  );
  const pieces = trainUnigramPieces(counts, {
    vocabSize,
    specialTokens,
    shrinkingFactor,
    maxPieceLength,
    seedSize: 1_000_000,
  });
  const end: JsonObject = { SpecialToken: { id: '</s>', type_id: 0 } };
  const sequence = (id: string): JsonObject => ({ Sequence: { id, type_id: 0 } });
  return new Tokenizer({
    tokenizer: {
      version: '1.0',
      truncation: null,
      padding: null,
      added_tokens: specialTokens.map(addedToken),
      normalizer,
      pre_tokenizer: preTokenizer,
      post_processor: {
        type: 'TemplateProcessing',
        single: [sequence('A'), end],
        pair: [sequence('A'), end, sequence('B'), end],
        special_tokens: { '</s>': { id: '</s>', ids: [specialTokens.indexOf('</s>')], tokens: ['</s>'] } },
      },
      decoder: { type: 'Metaspace', replacement: '\u2581', prepend_scheme: 'always', split: true },
      model: { type: 'Unigram', unk_id: specialTokens.indexOf('<unk>'), vocab: pieces, byte_fallback: false },
    },
    config: {
      tokenizer_class: 'T5Tokenizer',
      extra_ids: 0,
      eos_token: '</s>',
      pad_token: '<pad>',
      unk_token: '<unk>',
      ...maxLengthOf(options),
    },
  });
}
