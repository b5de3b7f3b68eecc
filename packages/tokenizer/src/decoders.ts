import { Buffer } from 'node:buffer';
import { joinByT5 } from './byt5.js';
import { BYTE_OF_CHARACTER, utf8Of } from './bytes.js';
import {
  asBoolean,
  asId,
  asList,
  asObject,
  asString,
  type Json,
  type JsonObject,
  malformed,
  optional,
} from './json.js';
import { readPattern } from './patterns.js';

/** One stage of decoding: texts of tokens in, texts out; their join is the text. */
export type Decoder = (tokens: readonly string[]) => string[];

/** Bytes of a byte-level token; of one with other characters, its UTF-8. */
export function bytesOfToken(token: string): Uint8Array {
  const bytes = new Uint8Array(token.length);
  for (let i = 0; i < token.length; i++) {
    const unit = token.charCodeAt(i);
    const byte = unit < 512 ? BYTE_OF_CHARACTER[unit]! : -1;
    if (byte < 0) return utf8Of(token);
    bytes[i] = byte;
  }
  return bytes;
}

/** U+FFFD stands for what is no UTF-8. */
export function utf8ToText(parts: readonly Uint8Array[]): string {
  return Buffer.concat(parts).toString('utf8');
}

const byteLevel: Decoder = (tokens) => [utf8ToText(tokens.map(bytesOfToken))];

const BYTE_TOKEN = /^<0x([0-9A-Fa-f]{2})>$/;

/** Runs of byte tokens become text; where they are no UTF-8, each becomes U+FFFD. */
const byteFallback: Decoder = (tokens) => {
  const out: string[] = [];
  let bytes: number[] = [];
  const flush = (): void => {
    if (bytes.length === 0) return;
    try {
      out.push(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Uint8Array.from(bytes)));
    } catch {
      for (let i = 0; i < bytes.length; i++) out.push('\ufffd');
    }
    bytes = [];
  };
  for (const token of tokens) {
    const hit = BYTE_TOKEN.exec(token);
    if (hit) bytes.push(Number.parseInt(hit[1]!, 16));
    else {
      flush();
      out.push(token);
    }
  }
  flush();
  return out;
};

/** WordPiece's clean-up of one token. */
function cleanWordPiece(text: string): string {
  return text
    .replaceAll(' .', '.')
    .replaceAll(' ?', '?')
    .replaceAll(' !', '!')
    .replaceAll(' ,', ',')
    .replaceAll(" ' ", "'")
    .replaceAll(" n't", "n't")
    .replaceAll(" 'm", "'m")
    .replaceAll(' do not', " don't")
    .replaceAll(" 's", "'s")
    .replaceAll(" 've", "'ve")
    .replaceAll(" 're", "'re");
}

function wordPiece(config: JsonObject): Decoder {
  const prefix = optional(config.prefix, 'decoder.prefix', asString, '##');
  const cleans = optional(config.cleanup, 'decoder.cleanup', asBoolean, true);
  return (tokens) =>
    tokens.map((token, i) => {
      const joined = i > 0 && (token.startsWith(prefix) ? token.slice(prefix.length) : ` ${token}`);
      const text = joined === false ? token : joined;
      return cleans ? cleanWordPiece(text) : text;
    });
}

function metaspace(config: JsonObject): Decoder {
  const replacement = asString(config.replacement, 'decoder.replacement');
  const legacy = optional(config.add_prefix_space, 'decoder.add_prefix_space', asBoolean, true);
  const scheme = optional(
    config.prepend_scheme,
    'decoder.prepend_scheme',
    asString,
    legacy ? 'always' : 'never',
  );
  return (tokens) =>
    tokens.map((token, i) => {
      const text =
        i === 0 && scheme !== 'never' && token.startsWith(replacement)
          ? token.slice(replacement.length)
          : token;
      return text.replaceAll(replacement, ' ');
    });
}

function bpe(config: JsonObject): Decoder {
  const suffix = optional(config.suffix, 'decoder.suffix', asString, '</w>');
  return (tokens) => tokens.map((token, i) => token.replaceAll(suffix, i === tokens.length - 1 ? '' : ' '));
}

function ctc(config: JsonObject): Decoder {
  const pad = optional(config.pad_token, 'decoder.pad_token', asString, '<pad>');
  const delimiter = optional(config.word_delimiter_token, 'decoder.word_delimiter_token', asString, '|');
  const cleans = optional(config.cleanup, 'decoder.cleanup', asBoolean, true);
  return (tokens) =>
    tokens
      .filter((token, i) => token !== tokens[i - 1])
      .map((token) => {
        const text = token.replaceAll(pad, '');
        return cleans ? cleanWordPiece(text).replaceAll(delimiter, ' ') : text;
      })
      .filter((text) => text !== '');
}

function strip(config: JsonObject): Decoder {
  const content = asString(config.content, 'decoder.content');
  const start = optional(config.start, 'decoder.start', asId, 0);
  const stop = optional(config.stop, 'decoder.stop', asId, 0);
  return (tokens) =>
    tokens.map((token) => {
      let from = 0;
      let to = token.length;
      while (from < start && token[from] === content) from++;
      while (to > from && token.length - to < stop && token[to - 1] === content) to--;
      return token.slice(from, to);
    });
}

function replace(config: JsonObject): Decoder {
  const pattern = readPattern(config.pattern, 'decoder.pattern');
  const content = asString(config.content, 'decoder.content');
  return (tokens) =>
    tokens.map((token) =>
      pattern(token)
        .map((span) => (span.isMatch ? content : token.slice(span.from, span.to)))
        .join(''),
    );
}

/** Builds the decoder of a tokenizer.json; null where it has none. */
export function createDecoder(value: Json | undefined, depth = 0): Decoder | null {
  if (value === null || value === undefined) return null;
  const config = asObject(value, 'decoder');
  if (depth > 32) throw malformed('decoder', 'nested at most 32 deep', config);
  const type = asString(config.type, 'decoder.type');
  switch (type) {
    case 'ByteLevel':
      return config.byt5 === true ? (tokens) => joinByT5(tokens, bytesOfToken) : byteLevel;
    case 'WordPiece':
      return wordPiece(config);
    case 'Metaspace':
      return metaspace(config);
    case 'BPEDecoder':
      return bpe(config);
    case 'ByteFallback':
      return byteFallback;
    case 'Fuse':
      return (tokens) => [tokens.join('')];
    case 'CTC':
      return ctc(config);
    case 'Strip':
      return strip(config);
    case 'Replace':
      return replace(config);
    case 'Sequence': {
      const stages = asList(config.decoders, 'decoder.decoders')
        .map((stage) => createDecoder(stage, depth + 1))
        .filter((stage) => stage !== null);
      return (tokens) => stages.reduce<string[]>((current, stage) => stage(current), [...tokens]);
    }
    default:
      throw malformed('decoder.type', 'a type that weft knows', type);
  }
}

/** The clean-up of spaces before punctuation that transformers applies after decoding. */
export function cleanUpTokenization(text: string): string {
  return text
    .replaceAll(' .', '.')
    .replaceAll(' ?', '?')
    .replaceAll(' !', '!')
    .replaceAll(' ,', ',')
    .replaceAll(" ' ", "'")
    .replaceAll(" n't", "n't")
    .replaceAll(" 'm", "'m")
    .replaceAll(" 's", "'s")
    .replaceAll(" 've", "'ve")
    .replaceAll(" 're", "'re");
}
