import { type AddedToken, readAddedToken } from './added-tokens.js';
import { asObject, asString, type Json, type JsonObject, optional } from './json.js';

/** The special tokens that a tokenizer has names for. */
export const SPECIAL_TOKEN_NAMES = [
  'bos_token',
  'eos_token',
  'unk_token',
  'sep_token',
  'pad_token',
  'cls_token',
  'mask_token',
] as const;
export type SpecialTokenName = (typeof SPECIAL_TOKEN_NAMES)[number];

/** Where no limit is known, Python writes 1e30. */
export const NO_LIMIT = 1e30;

export interface TokenizerSettings {
  tokenizerClass: string | undefined;
  modelMaxLength: number;
  paddingSide: 'left' | 'right';
  truncationSide: 'left' | 'right';
  cleanUpTokenizationSpaces: boolean;
  modelInputNames: readonly string[] | undefined;
  chatTemplate: string | ReadonlyMap<string, string> | undefined;
  specialTokens: Partial<Record<SpecialTokenName, string>>;
  additionalSpecialTokens: readonly string[];
  addedTokens: readonly AddedToken[];
  /** The file as it was read, so that what weft does not know is kept. */
  raw: JsonObject;
}

function contentOf(value: Json, where: string): string {
  return typeof value === 'string' ? value : asString(asObject(value, where).content, `${where}.content`);
}

function readSide(value: Json | undefined, where: string): 'left' | 'right' {
  return value === 'left' || value === 'right'
    ? value
    : optional(value, where, () => 'right' as const, 'right');
}

function readChatTemplate(value: Json | undefined): TokenizerSettings['chatTemplate'] {
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string') return value;
  if (!Array.isArray(value)) return asString(value, 'chat_template');
  return new Map(
    value.map((entry, i) => {
      const config = asObject(entry, `chat_template[${i}]`);
      return [
        asString(config.name, `chat_template[${i}].name`),
        asString(config.template, `chat_template[${i}].template`),
      ];
    }),
  );
}

function readLimit(value: Json | undefined): number {
  return typeof value === 'number' && value > 0 ? value : NO_LIMIT;
}

/** Reads tokenizer_config.json; the tokens of special_tokens_map.json stand in where it names none. */
export function readSettings(config: JsonObject, specialTokensMap: JsonObject = {}): TokenizerSettings {
  const specialTokens: TokenizerSettings['specialTokens'] = {};
  for (const name of SPECIAL_TOKEN_NAMES) {
    const value = config[name] ?? specialTokensMap[name];
    if (value !== undefined && value !== null) specialTokens[name] = contentOf(value, name);
  }
  const extra = config.additional_special_tokens ?? specialTokensMap.additional_special_tokens;
  const names = config.model_input_names;
  return {
    tokenizerClass: optional<string | undefined>(
      config.tokenizer_class,
      'tokenizer_class',
      asString,
      undefined,
    ),
    modelMaxLength: readLimit(config.model_max_length),
    paddingSide: readSide(config.padding_side, 'padding_side'),
    truncationSide: readSide(config.truncation_side, 'truncation_side'),
    cleanUpTokenizationSpaces: config.clean_up_tokenization_spaces === true,
    modelInputNames: Array.isArray(names)
      ? names.map((name) => asString(name, 'model_input_names'))
      : undefined,
    chatTemplate: readChatTemplate(config.chat_template),
    specialTokens,
    additionalSpecialTokens: Array.isArray(extra)
      ? extra.map((token, i) => contentOf(token, `additional_special_tokens[${i}]`))
      : [],
    addedTokens: Object.entries(asObject(config.added_tokens_decoder ?? {}, 'added_tokens_decoder'))
      .filter(([id]) => /^\d+$/.test(id))
      .map(([id, token]) => readAddedToken(token, Number(id), `added_tokens_decoder[${id}]`)),
    raw: config,
  };
}
