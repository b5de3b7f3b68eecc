import type { Json, JsonObject } from './json.js';

/** The `model` of a tokenizer.json; `affix` is how prefix and suffix of pieces, which there are none of, are told. */
export function bpeModelJson(vocab: JsonObject, merges: Json[], affix: '' | null): JsonObject {
  return {
    type: 'BPE',
    dropout: null,
    unk_token: null,
    continuing_subword_prefix: affix,
    end_of_word_suffix: affix,
    fuse_unk: false,
    byte_fallback: false,
    ignore_merges: false,
    vocab,
    merges,
  };
}
