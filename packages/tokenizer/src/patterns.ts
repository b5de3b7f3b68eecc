import * as library from '@huggingface/tokenizers';
import { asObject, asString, type Json, malformed } from './json.js';
import { literalPattern, type Pattern, regExpPattern } from './split.js';

// The library's declarations import each other without file extensions, which NodeNext does not resolve.
const { SplitPreTokenizer } = library as unknown as {
  SplitPreTokenizer: new (config: object) => { pattern: RegExp | null };
};

/**
 * The pattern of a Split or Replace stage. Regular expressions are written for Oniguruma; the translation
 * into JavaScript's is that of @huggingface/tokenizers.
 */
export function readPattern(value: Json | undefined, where: string): Pattern {
  if (typeof value === 'string') return literalPattern(value);
  const config = asObject(value, where);
  if (typeof config.String === 'string') return literalPattern(config.String);
  const source = asString(config.Regex, `${where}.Regex`);
  try {
    const { pattern } = new SplitPreTokenizer({
      type: 'Split',
      pattern: { Regex: source },
      behavior: 'Isolated',
      invert: false,
    });
    if (pattern !== null) return regExpPattern(pattern);
  } catch (error) {
    throw Object.assign(malformed(`${where}.Regex`, 'a regular expression', source), { cause: error });
  }
  throw malformed(`${where}.Regex`, 'a regular expression', source);
}
