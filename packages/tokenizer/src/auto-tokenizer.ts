import { readFile } from 'node:fs/promises';
import { type HubOptions, resolveModelFiles } from '@weft/checkpoint';
import { InputError, TokenizerError } from '@weft/errors';
import { byT5 } from './byt5.js';
import { asObject, describe, type Json, type JsonObject } from './json.js';
import { bertFromVocab, byteLevelFromVocab, readMergeLines, readVocabLines } from './legacy.js';
import { Tokenizer } from './tokenizer.js';

const FILES = [
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'chat_template.jinja',
  'vocab.txt',
  'vocab.json',
  'merges.txt',
] as const;
type Found = Partial<Record<(typeof FILES)[number], string>>;

async function readJsonFile(path: string): Promise<Json> {
  const text = await readFile(path, 'utf8');
  try {
    return JSON.parse(text) as Json;
  } catch (error) {
    throw new TokenizerError({
      operation: 'load tokenizer',
      expected: `JSON in ${path}`,
      received: error instanceof Error ? error.message : describe(text),
      remedy: 'take the file from its source anew',
      cause: error,
    });
  }
}

async function readOptional(path: string | undefined): Promise<JsonObject> {
  return path === undefined ? {} : asObject(await readJsonFile(path), path);
}

/** The special tokens that a class of transformers has where its files name none. */
function defaultTokens(tokenizer: JsonObject, config: JsonObject): JsonObject {
  const content = new Set(
    (Array.isArray(tokenizer.added_tokens) ? tokenizer.added_tokens : []).map(
      (token) => asObject(token, 'token').content,
    ),
  );
  const defaults: JsonObject[] = [
    { cls_token: '[CLS]', sep_token: '[SEP]', pad_token: '[PAD]', unk_token: '[UNK]', mask_token: '[MASK]' },
    {
      bos_token: '<s>',
      eos_token: '</s>',
      cls_token: '<s>',
      sep_token: '</s>',
      pad_token: '<pad>',
      unk_token: '<unk>',
      mask_token: '<mask>',
    },
    { bos_token: '<|endoftext|>', eos_token: '<|endoftext|>', unk_token: '<|endoftext|>' },
    { eos_token: '</s>', pad_token: '<pad>', unk_token: '<unk>' },
  ];
  if (Object.keys(config).some((name) => name.endsWith('_token'))) return {};
  return defaults.find((set) => Object.values(set).every((token) => content.has(token))) ?? {};
}

async function readTokenizerJson(found: Found, config: JsonObject, source: string): Promise<JsonObject> {
  if (found['tokenizer.json']) {
    return asObject(await readJsonFile(found['tokenizer.json']), found['tokenizer.json']);
  }
  // Its vocabulary is that of bytes, which no file holds.
  if (config.tokenizer_class === 'ByT5Tokenizer') return byT5(config);
  if (found['vocab.json'] && found['merges.txt']) {
    const merges = readMergeLines(await readFile(found['merges.txt'], 'utf8'));
    return byteLevelFromVocab(await readJsonFile(found['vocab.json']), merges, config);
  }
  if (found['vocab.txt'])
    return bertFromVocab(readVocabLines(await readFile(found['vocab.txt'], 'utf8')), config);
  throw new TokenizerError({
    operation: 'AutoTokenizer.fromPretrained',
    expected: `tokenizer.json, vocab.json with merges.txt, or vocab.txt in ${source}`,
    received: Object.keys(found).join(', ') || 'none of them',
    remedy:
      'name a folder or model that has a tokenizer; SentencePiece models must be converted to tokenizer.json',
  });
}

/** Loads tokenizers by the name of a model or the path of a folder. */
export const AutoTokenizer = {
  /**
   * Loads a tokenizer from a folder, or from the hub through the cache that Python shares.
   *
   * @param idOrFolder a folder with tokenizer.json, vocab.json and merges.txt, or vocab.txt; or an id such as gpt2
   * @throws TokenizerError for files that make no tokenizer, CheckpointError and DownloadError where they
   * cannot be had
   * @example
   * ```ts
   * import { mkdtemp } from 'node:fs/promises';
   * import { tmpdir } from 'node:os';
   * import { join } from 'node:path';
   * import { AutoTokenizer, trainByteLevelBpe } from '@weft/tokenizer';
   *
   * const folder = await mkdtemp(join(tmpdir(), 'weft-'));
   * await trainByteLevelBpe(['warp and weft'], { vocabSize: 260 }).savePretrained(folder);
   * const tokenizer = await AutoTokenizer.fromPretrained(folder);
   * console.assert(tokenizer.decode(tokenizer.encode('weft!').inputIds) === 'weft!');
   * ```
   */
  async fromPretrained(idOrFolder: string, options: HubOptions = {}): Promise<Tokenizer> {
    if (typeof idOrFolder !== 'string' || idOrFolder === '') {
      throw new InputError({
        operation: 'AutoTokenizer.fromPretrained',
        expected: 'the id of a model, or a folder',
        received: describe(idOrFolder),
        remedy: 'pass a string such as gpt2 or ./my-model',
      });
    }
    const found: Found = await resolveModelFiles(idOrFolder, { ...options, files: [], optionalFiles: FILES });
    const config = await readOptional(found['tokenizer_config.json']);
    const specialTokensMap = await readOptional(found['special_tokens_map.json']);
    const tokenizer = await readTokenizerJson(found, { ...specialTokensMap, ...config }, idOrFolder);
    const chatTemplate =
      found['chat_template.jinja'] && (await readFile(found['chat_template.jinja'], 'utf8'));
    return new Tokenizer({
      tokenizer: applySettings(tokenizer, config),
      config: { ...defaultTokens(tokenizer, { ...specialTokensMap, ...config }), ...config },
      specialTokensMap,
      ...(chatTemplate ? { chatTemplate } : {}),
    });
  },
};

/** Settings that transformers lets override the stages of tokenizer.json. */
function applySettings(tokenizer: JsonObject, config: JsonObject): JsonObject {
  const out = { ...tokenizer };
  const { normalizer, pre_tokenizer: preTokenizer } = tokenizer;
  const isOf = (stage: Json | undefined, type: string): stage is JsonObject =>
    typeof stage === 'object' && stage !== null && !Array.isArray(stage) && stage.type === type;
  if (isOf(normalizer, 'BertNormalizer')) {
    const changed = { ...normalizer };
    if (typeof config.do_lower_case === 'boolean') changed.lowercase = config.do_lower_case;
    if (typeof config.strip_accents === 'boolean') changed.strip_accents = config.strip_accents;
    if (typeof config.tokenize_chinese_chars === 'boolean') {
      changed.handle_chinese_chars = config.tokenize_chinese_chars;
    }
    out.normalizer = changed;
  }
  if (isOf(preTokenizer, 'ByteLevel') && typeof config.add_prefix_space === 'boolean') {
    out.pre_tokenizer = { ...preTokenizer, add_prefix_space: config.add_prefix_space };
  }
  return out;
}
