import type { ResolvedOptions, TokenDecoder } from './options.js';
import type { RowContext } from './processors.js';

/** True when a row is done after its newest token. */
export type StoppingCriterion = (context: RowContext) => boolean;

/** Stops when the text written so far ends in, or just ran past, one of these. */
export function stopStrings(strings: readonly string[], tokenizer: TokenDecoder): StoppingCriterion {
  const longest = Math.max(...strings.map(({ length }) => length));
  return ({ tokens, promptLength }) => {
    // Each token gives at least one character, or part of one: this many tail tokens hold any stop string.
    const tail = tokens.slice(Math.max(promptLength, tokens.length - 4 * longest - 4));
    const text = tokenizer.decode(tail);
    const newest = tokenizer.decode(tail.slice(0, -1));
    // It must end in what the newest token brought, else it stood there before.
    return strings.some((string) => {
      const at = text.lastIndexOf(string);
      return at >= 0 && at + string.length > newest.length;
    });
  };
}

/** All criteria that the options ask for: length, end tokens, stop strings, the caller's own. */
export function buildStopping(options: ResolvedOptions): StoppingCriterion {
  const list: StoppingCriterion[] = [({ tokens }) => tokens.length >= options.maxTotalLength];
  const { eosTokenIds } = options;
  if (eosTokenIds.length > 0) list.push(({ tokens }) => eosTokenIds.includes(tokens.at(-1)!));
  if (options.stopStrings?.length) list.push(stopStrings(options.stopStrings, options.tokenizer!));
  list.push(...(options.stoppingCriteria ?? []));
  return (context) => list.some((criterion) => criterion(context));
}
