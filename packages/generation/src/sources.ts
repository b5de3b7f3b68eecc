import type { ResolvedOptions } from './options.js';
import { fail } from './resolve.js';
import type { DecodingInput, GenerativeModel } from './session.js';

/**
 * Sources as long as the model, or the caller, lets them be. Padding beyond that is dropped; tokens are cut only where
 * the options say so, and the caller is told how many.
 */
export function fitSources(
  input: DecodingInput,
  options: ResolvedOptions,
  { maxSourcePositions = Infinity }: GenerativeModel,
): DecodingInput {
  const limit = Math.min(options.maxSourceLength ?? Infinity, maxSourcePositions);
  if (input.inputIds.every(({ length }) => length <= limit)) return input;
  const { longSource = 'error', warn = console.warn, eosTokenIds } = options;
  const inputIds = input.inputIds.map((row, i) => {
    const length = input.attentionMask[i]!.lastIndexOf(1) + 1;
    if (length <= limit) return row.slice(0, limit);
    if (longSource === 'error') {
      fail(
        `sources of at most ${limit} tokens`,
        `${length} in source ${i}`,
        "shorten it, split it, or pass longSource: 'cut'",
      );
    }
    warn(
      `generate: source ${i} has ${length} tokens, ${length - limit} more than ${limit}: they are cut off`,
    );
    const last = row[length - 1]!;
    return eosTokenIds.includes(last) ? [...row.slice(0, limit - 1), last] : row.slice(0, limit);
  });
  return { inputIds, attentionMask: input.attentionMask.map((row) => row.slice(0, limit)) };
}
