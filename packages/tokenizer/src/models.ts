import { BpeModel } from './bpe.js';
import {
  asBoolean,
  asId,
  asList,
  asNumber,
  asObject,
  asString,
  describe,
  type Json,
  type JsonObject,
  malformed,
  optional,
} from './json.js';
import { UnigramModel } from './unigram.js';
import { WordPieceModel } from './wordpiece.js';

/** Receives each token of a word: its id and the UTF-16 range of the normalized word that it covers. */
export type Emit = (id: number, from: number, to: number) => void;

/** Cuts a word into tokens of the vocabulary. */
export interface TokenModel {
  readonly type: 'BPE' | 'WordPiece' | 'Unigram' | 'WordLevel';
  readonly vocab: ReadonlyMap<string, number>;
  readonly unkToken: string | undefined;
  tokenize(word: string, emit: Emit): void;
}

export class WordLevelModel implements TokenModel {
  readonly type = 'WordLevel';

  constructor(
    readonly vocab: ReadonlyMap<string, number>,
    readonly unkToken: string,
  ) {}

  tokenize(word: string, emit: Emit): void {
    const id = this.vocab.get(word) ?? this.vocab.get(this.unkToken);
    if (id !== undefined) emit(id, 0, word.length);
  }
}

export function readVocab(value: Json | undefined, where: string): Map<string, number> {
  const vocab = new Map<string, number>();
  for (const [token, id] of Object.entries(asObject(value, where))) {
    vocab.set(token, asId(id, `${where}[${describe(token)}]`));
  }
  return vocab;
}

function readMerges(value: Json | undefined): [string, string][] {
  return asList(value, 'model.merges').map((merge, i) => {
    const where = `model.merges[${i}]`;
    const parts = typeof merge === 'string' ? merge.split(' ') : asList(merge, where);
    if (parts.length !== 2) throw malformed(where, 'a pair of tokens', merge);
    return [asString(parts[0], where), asString(parts[1], where)];
  });
}

function readBpe(config: JsonObject): BpeModel {
  return new BpeModel({
    vocab: readVocab(config.vocab, 'model.vocab'),
    merges: readMerges(config.merges),
    unkToken: optional<string | undefined>(config.unk_token, 'model.unk_token', asString, undefined),
    continuingSubwordPrefix: optional(
      config.continuing_subword_prefix,
      'model.continuing_subword_prefix',
      asString,
      '',
    ),
    endOfWordSuffix: optional(config.end_of_word_suffix, 'model.end_of_word_suffix', asString, ''),
    fuseUnk: optional(config.fuse_unk, 'model.fuse_unk', asBoolean, false),
    byteFallback: optional(config.byte_fallback, 'model.byte_fallback', asBoolean, false),
    ignoreMerges: optional(config.ignore_merges, 'model.ignore_merges', asBoolean, false),
  });
}

function readUnigram(config: JsonObject): UnigramModel {
  const pieces = asList(config.vocab, 'model.vocab').map((entry, i): [string, number] => {
    const pair = asList(entry, `model.vocab[${i}]`);
    return [asString(pair[0], `model.vocab[${i}][0]`), asNumber(pair[1], `model.vocab[${i}][1]`)];
  });
  const unkId = optional<number | undefined>(config.unk_id, 'model.unk_id', asId, undefined);
  if (unkId !== undefined && unkId >= pieces.length)
    throw malformed('model.unk_id', 'an id of the vocabulary', unkId);
  return new UnigramModel(
    pieces,
    unkId,
    optional(config.byte_fallback, 'model.byte_fallback', asBoolean, false),
  );
}

/** Files of old versions do not name the type of their model. */
function typeOf(config: JsonObject): string {
  if (typeof config.type === 'string') return config.type;
  if (Array.isArray(config.vocab)) return 'Unigram';
  if (config.merges !== undefined) return 'BPE';
  return config.max_input_chars_per_word !== undefined ? 'WordPiece' : 'WordLevel';
}

/** Builds the model of a tokenizer.json. */
export function createModel(value: Json | undefined): TokenModel {
  const config = asObject(value, 'model');
  const type = typeOf(config);
  switch (type) {
    case 'BPE':
      return readBpe(config);
    case 'WordPiece':
      return new WordPieceModel(
        readVocab(config.vocab, 'model.vocab'),
        optional(config.unk_token, 'model.unk_token', asString, '[UNK]'),
        optional(config.continuing_subword_prefix, 'model.continuing_subword_prefix', asString, '##'),
        optional(config.max_input_chars_per_word, 'model.max_input_chars_per_word', asNumber, 100),
      );
    case 'Unigram':
      return readUnigram(config);
    case 'WordLevel':
      return new WordLevelModel(
        readVocab(config.vocab, 'model.vocab'),
        optional(config.unk_token, 'model.unk_token', asString, '<unk>'),
      );
    default:
      throw malformed('model.type', 'BPE, WordPiece, Unigram or WordLevel', type);
  }
}
