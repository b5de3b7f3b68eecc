import type { ResolvedOptions, TokenDecoder } from './options.js';
import type { RowContext } from './processors.js';

/** True when a row is done after its newest token. */
export type StoppingCriterion = (context: RowContext) => boolean;

/** Stops when the newest token brought the end of one of these strings, be there text after it in the token or not. */
export function stopStrings(strings: readonly string[], tokenizer: TokenDecoder): StoppingCriterion {
  const longest = Math.max(...strings.map(({ length }) => length));
  return ({ tokens }) => {
    // A token is at least a byte, and a character at most four: the tail holds the longest string.
    const tail = tokens.slice(-(4 * longest + 4));
    const text = tokenizer.decode(tail);
    if (!strings.some((string) => text.includes(string))) return false;
    const before = tokenizer.decode(tail.slice(0, -1));
    return strings.some((string) => {
      const at = text.lastIndexOf(string);
      return at >= 0 && !before.startsWith(string, at);
    });
  };
}

/** Stops when this many seconds have passed since the criterion was made. */
export function maxTime(seconds: number): StoppingCriterion {
  const end = performance.now() + seconds * 1000;
  return () => performance.now() > end;
}

/** All criteria that the options ask for: length, end tokens, stop strings, time, the caller's own. */
export function buildStopping(options: ResolvedOptions): StoppingCriterion {
  const { eosTokenIds, maxTotalLength, tokenizer } = options;
  const list: StoppingCriterion[] = [];
  if (options.stopStrings?.length && tokenizer)
    list.push(stopStrings([options.stopStrings].flat(), tokenizer));
  if (options.maxTime !== undefined) list.push(maxTime(options.maxTime));
  list.push(...(options.stoppingCriteria ?? []));
  return (context) => {
    const { tokens } = context;
    if (tokens.length >= maxTotalLength || eosTokenIds.includes(tokens.at(-1)!)) return true;
    return list.some((criterion) => criterion(context));
  };
}
