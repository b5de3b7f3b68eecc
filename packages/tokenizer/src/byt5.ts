import { Buffer } from 'node:buffer';
import { bpeModelJson } from './bpe-model.js';
import { BYTE_CHARACTERS } from './bytes.js';
import type { Json, JsonObject } from './json.js';

const SPECIAL = ['<pad>', '</s>', '<unk>'];

/**
 * The tokenizer.json of ByT5 (Xue et al., 2022), which has no file of a vocabulary: three special tokens, a token a byte,
 * and sentinels of span corruption, as many as tokenizer_config.json says.
 */
export function byT5(config: JsonObject): JsonObject {
  const extra = typeof config.extra_ids === 'number' ? config.extra_ids : 125;
  const sentinels = Array.from({ length: extra }, (_, i) => `<extra_id_${i}>`);
  const added = (content: string, id: number, strips: boolean): Json => ({
    id,
    content,
    single_word: false,
    lstrip: strips,
    rstrip: strips,
    normalized: false,
    special: true,
  });
  const firstByte = SPECIAL.length;
  const firstSentinel = firstByte + BYTE_CHARACTERS.length;
  const vocab: Record<string, number> = {};
  for (const [id, token] of SPECIAL.entries()) vocab[token] = id;
  for (const [byte, character] of BYTE_CHARACTERS.entries()) vocab[character] = firstByte + byte;
  const bytes = { add_prefix_space: false, trim_offsets: false, use_regex: false };
  const sequence = (id: string): Json => ({ Sequence: { id, type_id: 0 } });
  const end: Json = { SpecialToken: { id: '</s>', type_id: 0 } };
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: [
      ...SPECIAL.map((token, id) => added(token, id, true)),
      ...sentinels.map((token, i) => added(token, firstSentinel + i, false)),
    ],
    normalizer: null,
    pre_tokenizer: { type: 'ByteLevel', ...bytes },
    post_processor: {
      type: 'TemplateProcessing',
      single: [sequence('A'), end],
      pair: [sequence('A'), end, sequence('B'), end],
      special_tokens: { '</s>': { id: '</s>', ids: [1], tokens: ['</s>'] } },
    },
    // The last key is weft's own; others, who do not know it, differ from Python in what is no UTF-8 alone.
    decoder: { type: 'ByteLevel', ...bytes, byt5: true },
    model: bpeModelJson(vocab, [], ''),
  };
}

/**
 * Joins tokens as Python's ByT5Tokenizer does: bytes that make no character are left out, and sentinels stand between
 * spaces.
 */
export function joinByT5(tokens: readonly string[], bytesOf: (token: string) => Uint8Array): string[] {
  const parts: string[] = [];
  let run: Uint8Array[] = [];
  for (const token of tokens) {
    if (/^<extra_id_\d+>$/.test(token)) {
      const text = validUtf8(Buffer.concat(run));
      parts.push(...(text === '' ? [] : [text]), token);
      run = [];
    } else run.push(bytesOf(token));
  }
  // As in Python, a space is left behind where nothing valid follows the last sentinel.
  if (run.length > 0) parts.push(validUtf8(Buffer.concat(run)));
  return [parts.join(' ')];
}

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The characters that the bytes hold; whatever makes none is left out. */
function validUtf8(bytes: Uint8Array): string {
  try {
    return strict.decode(bytes);
  } catch {
    let text = '';
    for (let i = 0; i < bytes.length; ) {
      const length = characterLength(bytes, i);
      if (length > 0) text += strict.decode(bytes.subarray(i, i + length));
      i += Math.max(1, length);
    }
    return text;
  }
}

/** Bytes of the character that begins here, 0 where none does. */
function characterLength(bytes: Uint8Array, at: number): number {
  const first = bytes[at]!;
  const length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  try {
    return [...strict.decode(bytes.subarray(at, at + length))].length === 1 ? length : 0;
  } catch {
    return 0;
  }
}
