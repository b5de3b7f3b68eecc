import { AlignedText } from './aligned-text.js';
import { BYTE_CHARACTERS, utf8Of } from './bytes.js';
import { Charsmap } from './charsmap.js';
import {
  asBoolean,
  asList,
  asObject,
  asString,
  type Json,
  type JsonObject,
  malformed,
  optional,
} from './json.js';
import { readPattern } from './patterns.js';
import { isChinese, isWhiteSpace, marks, nonspacingMarks, removedByCleaning } from './unicode.js';
import { toUnicodeForm } from './unicode-forms.js';

export type Normalizer = (text: AlignedText) => AlignedText;

/** What a BertNormalizer does; `stripAccents` follows `lowercase` where it is not set. */
export interface BertNormalizerOptions {
  cleanText: boolean;
  handleChineseChars: boolean;
  stripAccents: boolean;
  lowercase: boolean;
}

export function readBertNormalizer(config: JsonObject): BertNormalizerOptions {
  const where = 'normalizer';
  const lowercase = optional(config.lowercase, `${where}.lowercase`, asBoolean, true);
  return {
    cleanText: optional(config.clean_text, `${where}.clean_text`, asBoolean, true),
    handleChineseChars: optional(
      config.handle_chinese_chars,
      `${where}.handle_chinese_chars`,
      asBoolean,
      true,
    ),
    stripAccents: optional(config.strip_accents, `${where}.strip_accents`, asBoolean, lowercase),
    lowercase,
  };
}

const lowercaseText: Normalizer = (text) => text.mapCharacters((character) => character.toLowerCase());

/** BERT's normalizer, in the order of the Rust library's. */
export function bertNormalizer(options: BertNormalizerOptions): Normalizer {
  return (given) => {
    let text = given;
    if (options.cleanText) {
      text = text
        .filter((code) => code !== 0 && code !== 0xfffd && !removedByCleaning().has(code))
        .mapCharacters((character, code) => (isWhiteSpace(code) ? ' ' : character));
    }
    if (options.handleChineseChars) {
      text = text.mapCharacters((character, code) => (isChinese(code) ? ` ${character} ` : character));
    }
    if (options.stripAccents)
      text = toUnicodeForm(text, 'NFD').filter((code) => !nonspacingMarks().has(code));
    return options.lowercase ? lowercaseText(text) : text;
  };
}

function strip(left: boolean, right: boolean): Normalizer {
  return (text) => {
    let from = 0;
    let to = text.length;
    while (left && from < to && isWhiteSpace(text.text.charCodeAt(from))) from++;
    while (right && to > from && isWhiteSpace(text.text.charCodeAt(to - 1))) to--;
    return text.slice(from, to);
  };
}

/** The characters of nmt's normalizer: controls go, unusual spaces become a space. */
const nmt: Normalizer = (text) =>
  text
    .filter(
      (code) =>
        !(
          (code >= 1 && code <= 8) ||
          code === 0xb ||
          (code >= 0xe && code <= 0x1f) ||
          code === 0x7f ||
          code === 0x8f ||
          code === 0x9f
        ),
    )
    .mapCharacters((character, code) =>
      code === 9 ||
      code === 10 ||
      code === 12 ||
      code === 13 ||
      code === 0x1680 ||
      (code >= 0x200b && code <= 0x200f) ||
      code === 0x2028 ||
      code === 0x2029 ||
      code === 0x2581 ||
      code === 0xfeff ||
      code === 0xfffd
        ? ' '
        : character,
    );

export const byteLevelCharacters: Normalizer = (text) =>
  text.mapCharacters((character) => {
    let out = '';
    for (const byte of utf8Of(character)) out += BYTE_CHARACTERS[byte];
    return out;
  });

function replace(config: JsonObject): Normalizer {
  const pattern = readPattern(config.pattern, 'normalizer.pattern');
  const content = asString(config.content, 'normalizer.content');
  return (text) =>
    text.replaceRanges(
      pattern(text.text)
        .filter((span) => span.isMatch)
        .map(({ from, to }) => [from, to] as const),
      content,
    );
}

/** Builds the normalizer of a tokenizer.json; null where it has none. */
export function createNormalizer(value: Json | undefined, depth = 0): Normalizer | null {
  if (value === null || value === undefined) return null;
  const config = asObject(value, 'normalizer');
  if (depth > 32) throw malformed('normalizer', 'nested at most 32 deep', config);
  const type = asString(config.type, 'normalizer.type');
  switch (type) {
    case 'BertNormalizer':
      return bertNormalizer(readBertNormalizer(config));
    case 'Lowercase':
      return lowercaseText;
    case 'NFC':
    case 'NFD':
    case 'NFKC':
    case 'NFKD':
      return (text) => toUnicodeForm(text, type);
    case 'StripAccents':
      return (text) => text.filter((code) => !marks().has(code));
    case 'Strip':
      return strip(
        optional(config.strip_left, 'normalizer.strip_left', asBoolean, true),
        optional(config.strip_right, 'normalizer.strip_right', asBoolean, true),
      );
    case 'Nmt':
      return nmt;
    case 'Replace':
      return replace(config);
    case 'Prepend': {
      const prefix = asString(config.prepend, 'normalizer.prepend');
      return (text) => text.prepend(prefix);
    }
    case 'ByteLevel':
      return byteLevelCharacters;
    case 'Precompiled': {
      if (config.precompiled_charsmap === null || config.precompiled_charsmap === '') return (text) => text;
      const map = new Charsmap(asString(config.precompiled_charsmap, 'normalizer.precompiled_charsmap'));
      return (text) => map.normalize(text);
    }
    case 'Sequence': {
      const stages = asList(config.normalizers, 'normalizer.normalizers')
        .map((stage) => createNormalizer(stage, depth + 1))
        .filter((stage) => stage !== null);
      return (text) => stages.reduce((current, stage) => stage(current), text);
    }
    default:
      throw malformed('normalizer.type', 'a type that weft knows', type);
  }
}

/** The normalized form of a text, without its places. */
export function normalizeString(normalizer: Normalizer | null, text: string): string {
  return normalizer === null ? text : normalizer(AlignedText.from(text)).text;
}
