import type { AlignedText } from './aligned-text.js';
import { Gpt2Splitter } from './gpt2-split.js';
import {
  asBoolean,
  asList,
  asNumber,
  asObject,
  asString,
  type Json,
  type JsonObject,
  malformed,
  optional,
} from './json.js';
import { byteLevelCharacters } from './normalizers.js';
import { readPattern } from './patterns.js';
import {
  characterPattern,
  invertPattern,
  literalPattern,
  regExpPattern,
  type SplitBehavior,
  splitBy,
} from './split.js';
import { isWhiteSpace, punctuation, symbolCharacters, wordCharacters } from './unicode.js';

/** Cuts one piece of text into the words that the model sees. */
export type PreTokenizer = (text: AlignedText) => AlignedText[];

const BEHAVIORS: readonly SplitBehavior[] = [
  'Removed',
  'Isolated',
  'MergedWithPrevious',
  'MergedWithNext',
  'Contiguous',
];

function asBehavior(value: Json | undefined, where: string): SplitBehavior {
  const found = BEHAVIORS.find((behavior) => behavior === value);
  if (found === undefined) throw malformed(where, `one of ${BEHAVIORS.join(', ')}`, value);
  return found;
}

const whiteSpace = characterPattern(isWhiteSpace);
const bertPunctuation = characterPattern((code) => punctuation().has(code));

const bertPreTokenizer: PreTokenizer = (text) =>
  splitBy(text, whiteSpace, 'Removed').flatMap((word) => splitBy(word, bertPunctuation, 'Isolated'));

/** Words of letters, digits and connectors, and runs of symbols. */
const whitespacePattern = (text: string) => {
  const classOf = (code: number): number =>
    wordCharacters().has(code) ? 1 : symbolCharacters().has(code) ? 2 : 0;
  const spans = [];
  let from = 0;
  let kind = -1;
  for (let i = 0; i <= text.length; ) {
    const code = i < text.length ? text.codePointAt(i)! : 0;
    const next = i < text.length ? classOf(code) : -1;
    if (next !== kind || i === text.length) {
      if (i > from) spans.push({ from, to: i, isMatch: kind > 0 });
      from = i;
      kind = next;
    }
    i += code > 0xffff ? 2 : 1;
  }
  return spans;
};

export interface ByteLevelOptions {
  addPrefixSpace: boolean;
  useRegex: boolean;
}

export function readByteLevel(config: JsonObject): ByteLevelOptions {
  return {
    addPrefixSpace: optional(config.add_prefix_space, 'pre_tokenizer.add_prefix_space', asBoolean, true),
    useRegex: optional(config.use_regex, 'pre_tokenizer.use_regex', asBoolean, true),
  };
}

function byteLevel({ addPrefixSpace, useRegex }: ByteLevelOptions): PreTokenizer {
  const splitter = new Gpt2Splitter();
  return (given) => {
    const text = addPrefixSpace && !given.text.startsWith(' ') ? given.prepend(' ') : given;
    const words: AlignedText[] = [];
    if (useRegex) splitter.split(text.text, (from, to) => words.push(text.slice(from, to)));
    else words.push(text);
    return words.map(byteLevelCharacters);
  };
}

function metaspace(config: JsonObject): PreTokenizer {
  const replacement = asString(config.replacement, 'pre_tokenizer.replacement');
  const legacy = optional(config.add_prefix_space, 'pre_tokenizer.add_prefix_space', asBoolean, true);
  const scheme = optional(
    config.prepend_scheme,
    'pre_tokenizer.prepend_scheme',
    asString,
    legacy ? 'always' : 'never',
  );
  const splits = optional(config.split, 'pre_tokenizer.split', asBoolean, true);
  const space = literalPattern(' ');
  const boundary = literalPattern(replacement);
  return (given) => {
    const spaces = space(given.text).filter((span) => span.isMatch);
    let text = given.replaceRanges(
      spaces.map(({ from, to }) => [from, to] as const),
      replacement,
    );
    const prepends = scheme === 'always' || (scheme === 'first' && given.origin === 0);
    if (prepends && !text.text.startsWith(replacement)) text = text.prepend(replacement);
    return splits ? splitBy(text, boundary, 'MergedWithNext') : [text];
  };
}

function split(config: JsonObject): PreTokenizer {
  const pattern = readPattern(config.pattern, 'pre_tokenizer.pattern');
  const behavior = asBehavior(config.behavior, 'pre_tokenizer.behavior');
  const inverted = optional(config.invert, 'pre_tokenizer.invert', asBoolean, false);
  const effective = inverted ? invertPattern(pattern) : pattern;
  return (text) => splitBy(text, effective, behavior);
}

function digits(config: JsonObject): PreTokenizer {
  const pattern = characterPattern((code) => /\p{N}/u.test(String.fromCodePoint(code)));
  const isIndividual = optional(
    config.individual_digits,
    'pre_tokenizer.individual_digits',
    asBoolean,
    false,
  );
  return (text) => splitBy(text, pattern, isIndividual ? 'Isolated' : 'Contiguous');
}

function fixedLength(config: JsonObject): PreTokenizer {
  const length = optional(config.length, 'pre_tokenizer.length', asNumber, 5);
  if (!Number.isInteger(length) || length < 1)
    throw malformed('pre_tokenizer.length', 'a whole number from 1', length);
  const pattern = regExpPattern(new RegExp(`[\\s\\S]{1,${length}}`, 'gu'));
  return (text) => splitBy(text, pattern, 'Isolated');
}

/** Builds the pre-tokenizer of a tokenizer.json; null where it has none. */
export function createPreTokenizer(value: Json | undefined, depth = 0): PreTokenizer | null {
  if (value === null || value === undefined) return null;
  const config = asObject(value, 'pre_tokenizer');
  if (depth > 32) throw malformed('pre_tokenizer', 'nested at most 32 deep', config);
  const type = asString(config.type, 'pre_tokenizer.type');
  switch (type) {
    case 'BertPreTokenizer':
      return bertPreTokenizer;
    case 'ByteLevel':
      return byteLevel(readByteLevel(config));
    case 'Whitespace':
      return (text) => splitBy(text, invertPattern(whitespacePattern), 'Removed');
    case 'WhitespaceSplit':
      return (text) => splitBy(text, whiteSpace, 'Removed');
    case 'Metaspace':
      return metaspace(config);
    case 'Split':
      return split(config);
    case 'Punctuation': {
      const behavior = asBehavior(config.behavior ?? 'Isolated', 'pre_tokenizer.behavior');
      return (text) => splitBy(text, bertPunctuation, behavior);
    }
    case 'Digits':
      return digits(config);
    case 'CharDelimiterSplit': {
      const pattern = literalPattern(asString(config.delimiter, 'pre_tokenizer.delimiter'));
      return (text) => splitBy(text, pattern, 'Removed');
    }
    case 'FixedLength':
      return fixedLength(config);
    case 'Sequence': {
      const stages = asList(config.pretokenizers, 'pre_tokenizer.pretokenizers')
        .map((stage) => createPreTokenizer(stage, depth + 1))
        .filter((stage) => stage !== null);
      return (text) => stages.reduce((pieces, stage) => pieces.flatMap(stage), [text]);
    }
    default:
      throw malformed('pre_tokenizer.type', 'a type that weft knows', type);
  }
}
