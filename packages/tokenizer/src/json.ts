import { TokenizerError } from '@weft/errors';

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

export function malformed(where: string, expected: string, received: unknown): TokenizerError {
  return new TokenizerError({
    operation: 'load tokenizer',
    expected: `${where} to be ${expected}`,
    received: describe(received),
    remedy: 'write the file again with a current version of tokenizers, or take it from its source anew',
  });
}

/** A short name of a value for a message; long values are cut. */
export function describe(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object' && value !== null)
    return `an object with ${Object.keys(value).length} fields`;
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

export function asObject(value: Json | undefined, where: string): JsonObject {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  throw malformed(where, 'an object', value);
}

export function asList(value: Json | undefined, where: string): Json[] {
  if (Array.isArray(value)) return value;
  throw malformed(where, 'a list', value);
}

export function asString(value: Json | undefined, where: string): string {
  if (typeof value === 'string') return value;
  throw malformed(where, 'a string', value);
}

export function asId(value: Json | undefined, where: string): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 2 ** 31) return value;
  throw malformed(where, 'an id (a whole number from 0)', value);
}

export function asNumber(value: Json | undefined, where: string): number {
  if (typeof value === 'number') return value;
  throw malformed(where, 'a number', value);
}

export function optional<T>(
  value: Json | undefined,
  where: string,
  read: (value: Json, where: string) => T,
  otherwise: T,
): T {
  return value === undefined || value === null ? otherwise : read(value, where);
}

export function asBoolean(value: Json | undefined, where: string): boolean {
  if (typeof value === 'boolean') return value;
  throw malformed(where, 'true or false', value);
}
