import { ConfigError } from '@weft/errors';
import type { DataCollator } from '../dataset.js';
import type { PaddingTokenizer, TokenizedExample } from './padding.js';
import { batchNumbers } from './random.js';
import { dataCollatorForSeq2Seq } from './seq2seq.js';

export interface SpanCorruptionOptions {
  tokenizer: PaddingTokenizer;
  /** What stands for the first, second, ... span: <extra_id_0>, <extra_id_1>, ... */
  sentinelIds: readonly number[];
  eosTokenId: number;
  decoderStartTokenId?: number;
  /** Share of tokens that are taken out. Default: 0.15. */
  noiseDensity?: number;
  /** Mean length of a span. Default: 3. */
  meanSpanLength?: number;
  seed?: number;
}

/**
 * T5's own pre-training (Raffel et al., 2020, 3.1.4): spans of tokens are taken out, a sentinel each in their
 * place; the target is the spans behind their sentinels, and one more sentinel. Examples are texts' ids without
 * an end token.
 *
 * @throws ConfigError when a text has more spans than there are sentinels
 * @example
 * ```ts
 * import { dataCollatorForSpanCorruption } from '@weft/trainer';
 *
 * const collate = dataCollatorForSpanCorruption({
 *   tokenizer: { padTokenId: 0 },
 *   sentinelIds: [99, 98, 97],
 *   eosTokenId: 1,
 * });
 * const { inputIds, labels } = collate([{ inputIds: [10, 11, 12, 13, 14, 15, 16, 17, 18, 19] }]);
 * console.assert((inputIds as number[][])[0]!.includes(99) && (labels as number[][])[0]![0] === 99);
 * ```
 */
export function dataCollatorForSpanCorruption(
  options: SpanCorruptionOptions,
): DataCollator<TokenizedExample> {
  const { tokenizer, sentinelIds, eosTokenId, decoderStartTokenId } = options;
  const { noiseDensity = 0.15, meanSpanLength = 3, seed = 0 } = options;
  const numbers = batchNumbers(seed);
  const collate = dataCollatorForSeq2Seq({
    tokenizer,
    ...(decoderStartTokenId === undefined ? {} : { decoderStartTokenId }),
  });
  return (examples, context) => {
    const { uniform } = numbers(context);
    const corrupted = examples.map(({ inputIds }) => {
      const noise = noiseMask(inputIds.length, noiseDensity, meanSpanLength, uniform);
      const { source, target } = corruptSpans(inputIds, noise, sentinelIds);
      return { inputIds: [...source, eosTokenId], labels: [...target, eosTokenId] };
    });
    return collate(corrupted, context);
  };
}

/** Source and target of a text whose noise tokens are taken out. */
export function corruptSpans(
  ids: readonly number[],
  noise: readonly boolean[],
  sentinelIds: readonly number[],
): { source: number[]; target: number[] } {
  const source: number[] = [];
  const target: number[] = [];
  let spans = 0;
  for (const [t, id] of ids.entries()) {
    if (!noise[t]) {
      source.push(id);
      continue;
    }
    if (t === 0 || !noise[t - 1]) {
      const sentinel = sentinelAt(sentinelIds, spans++);
      source.push(sentinel);
      target.push(sentinel);
    }
    target.push(id);
  }
  target.push(sentinelAt(sentinelIds, spans));
  return { source, target };
}

/**
 * Which tokens are noise: a share of them, rounded, in spans of a mean length, placed at random; the text begins
 * with a token that stays.
 */
export function noiseMask(
  length: number,
  noiseDensity: number,
  meanSpanLength: number,
  uniform: () => number,
): boolean[] {
  if (length < 2) return Array.from({ length }, () => false);
  const noiseTokens = Math.min(Math.max(Math.round(length * noiseDensity), 1), length - 1);
  const wanted = Math.max(1, Math.round(noiseTokens / meanSpanLength));
  const spans = Math.min(wanted, noiseTokens, length - noiseTokens);
  const noise = randomParts(noiseTokens, spans, uniform);
  const kept = randomParts(length - noiseTokens, spans, uniform);
  return kept.flatMap((count, i) => [
    ...Array.from({ length: count }, () => false),
    ...Array.from({ length: noise[i]! }, () => true),
  ]);
}

/** A total as so many parts of at least one, all ways alike likely. */
function randomParts(total: number, parts: number, uniform: () => number): number[] {
  // Choose parts - 1 of the total - 1 places between items: each is taken with what is left to take.
  const lengths = [1];
  let left = parts - 1;
  for (let place = 0; place < total - 1; place++) {
    if (uniform() * (total - 1 - place) < left) {
      lengths.push(1);
      left--;
    } else lengths[lengths.length - 1]!++;
  }
  return lengths;
}

function sentinelAt(sentinelIds: readonly number[], index: number): number {
  const sentinel = sentinelIds[index];
  if (sentinel !== undefined) return sentinel;
  throw new ConfigError({
    operation: 'span corruption',
    expected: `at least ${index + 1} sentinels, one a span and one for the end`,
    received: `${sentinelIds.length}`,
    remedy: 'cut texts into shorter pieces, or pass more sentinelIds',
  });
}
