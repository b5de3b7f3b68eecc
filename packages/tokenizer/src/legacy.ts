import { TokenizerError } from '@weft/errors';
import { bpeModelJson } from './bpe-model.js';
import { asObject, describe, type Json, type JsonObject } from './json.js';

const token = (id: number, content: string, rest: JsonObject = {}): JsonObject => ({
  id,
  content,
  single_word: false,
  lstrip: false,
  rstrip: false,
  normalized: false,
  special: true,
  ...rest,
});

function settingOf(config: JsonObject, name: string, otherwise: string): string {
  const value = config[name];
  if (typeof value === 'string') return value;
  return typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    typeof value.content === 'string'
    ? value.content
    : otherwise;
}

function require(vocab: ReadonlyMap<string, number>, content: string, file: string): number {
  const id = vocab.get(content);
  if (id !== undefined) return id;
  throw new TokenizerError({
    operation: 'load tokenizer',
    expected: `the token ${content} in ${file}`,
    received: `${vocab.size} tokens without it`,
    remedy: 'name the special tokens in tokenizer_config.json',
  });
}

/** The lines of a vocab.txt; a line's number is its id. */
export function readVocabLines(text: string): Map<string, number> {
  const lines = text.split(/\r?\n/);
  if (lines.at(-1) === '') lines.pop();
  const vocab = new Map<string, number>();
  lines.forEach((line, id) => {
    vocab.set(line, id);
  });
  return vocab;
}

/** The tokenizer.json of a BERT that has only vocab.txt. */
export function bertFromVocab(vocab: ReadonlyMap<string, number>, config: JsonObject): JsonObject {
  const unk = settingOf(config, 'unk_token', '[UNK]');
  const cls = settingOf(config, 'cls_token', '[CLS]');
  const sep = settingOf(config, 'sep_token', '[SEP]');
  const names = [
    settingOf(config, 'pad_token', '[PAD]'),
    unk,
    cls,
    sep,
    settingOf(config, 'mask_token', '[MASK]'),
  ];
  const special = (content: string, typeId: number): Json => ({
    SpecialToken: { id: content, type_id: typeId },
  });
  const sequence = (id: string, typeId: number): Json => ({ Sequence: { id, type_id: typeId } });
  const ids = (content: string): JsonObject => ({
    id: content,
    ids: [require(vocab, content, 'vocab.txt')],
    tokens: [content],
  });
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: [...new Set(names)]
      .map((content) => token(require(vocab, content, 'vocab.txt'), content))
      .sort((a, b) => Number(a.id) - Number(b.id)),
    normalizer: {
      type: 'BertNormalizer',
      clean_text: true,
      handle_chinese_chars: config.tokenize_chinese_chars !== false,
      strip_accents: typeof config.strip_accents === 'boolean' ? config.strip_accents : null,
      lowercase: config.do_lower_case !== false,
    },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: {
      type: 'TemplateProcessing',
      single: [special(cls, 0), sequence('A', 0), special(sep, 0)],
      pair: [special(cls, 0), sequence('A', 0), special(sep, 0), sequence('B', 1), special(sep, 1)],
      special_tokens: { [cls]: ids(cls), [sep]: ids(sep) },
    },
    decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
    model: {
      type: 'WordPiece',
      unk_token: unk,
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
      vocab: Object.fromEntries(vocab),
    },
  };
}

/** The pairs of a merges.txt. */
export function readMergeLines(text: string): [string, string][] {
  const merges: [string, string][] = [];
  text.split(/\r?\n/).forEach((line, i) => {
    if (line === '' || (i === 0 && line.startsWith('#version'))) return;
    const parts = line.split(' ');
    if (parts.length !== 2) {
      throw new TokenizerError({
        operation: 'load tokenizer',
        expected: 'two tokens and one space a line in merges.txt',
        received: `${describe(line)} in line ${i + 1}`,
        remedy: 'take the file from its source anew',
      });
    }
    merges.push([parts[0]!, parts[1]!]);
  });
  return merges;
}

/** The tokenizer.json of a GPT-2 or RoBERTa that has only vocab.json and merges.txt. */
export function byteLevelFromVocab(
  vocabJson: Json,
  merges: [string, string][],
  config: JsonObject,
): JsonObject {
  const vocab = asObject(vocabJson, 'vocab.json');
  const known = new Map(
    Object.entries(vocab).filter((entry): entry is [string, number] => typeof entry[1] === 'number'),
  );
  const isRoberta = /roberta/i.test(
    settingOf(config, 'tokenizer_class', known.has('<mask>') ? 'Roberta' : 'GPT2'),
  );
  const addPrefixSpace = config.add_prefix_space === true;
  const base = {
    version: '1.0',
    truncation: null,
    padding: null,
    normalizer: null,
    pre_tokenizer: {
      type: 'ByteLevel',
      add_prefix_space: addPrefixSpace,
      trim_offsets: true,
      use_regex: true,
    },
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: bpeModelJson(vocab, merges, ''),
  };
  return isRoberta
    ? { ...base, ...robertaParts(known, config, addPrefixSpace) }
    : { ...base, ...gpt2Parts(known, config) };
}

function gpt2Parts(vocab: ReadonlyMap<string, number>, config: JsonObject): JsonObject {
  const names = ['bos_token', 'eos_token', 'unk_token'].map((name) =>
    settingOf(config, name, '<|endoftext|>'),
  );
  return {
    added_tokens: [...new Set(names)]
      .filter((content) => vocab.has(content))
      .map((content) => token(vocab.get(content)!, content, { normalized: true })),
    post_processor: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: false, use_regex: true },
  };
}

function robertaParts(
  vocab: ReadonlyMap<string, number>,
  config: JsonObject,
  addPrefixSpace: boolean,
): JsonObject {
  const cls = settingOf(config, 'cls_token', '<s>');
  const sep = settingOf(config, 'sep_token', '</s>');
  const mask = settingOf(config, 'mask_token', '<mask>');
  const names = [
    cls,
    settingOf(config, 'pad_token', '<pad>'),
    sep,
    settingOf(config, 'unk_token', '<unk>'),
    mask,
  ];
  return {
    added_tokens: [...new Set(names)]
      .map((content) =>
        token(require(vocab, content, 'vocab.json'), content, {
          lstrip: content === mask,
          normalized: content !== mask,
        }),
      )
      .sort((a, b) => Number(a.id) - Number(b.id)),
    post_processor: {
      type: 'RobertaProcessing',
      sep: [sep, require(vocab, sep, 'vocab.json')],
      cls: [cls, require(vocab, cls, 'vocab.json')],
      trim_offsets: true,
      add_prefix_space: addPrefixSpace,
    },
  };
}
