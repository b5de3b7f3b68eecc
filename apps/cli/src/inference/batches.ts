import type { Tokenizer } from '@weft/tokenizer';
import { dataCollatorWithPadding, type TokenizedExample } from '@weft/trainer';

/** Padded inputs of a model. */
export interface PaddedBatch {
  inputIds: number[][];
  attentionMask: number[][];
  tokenTypeIds?: number[][];
}

/**
 * Runs a model over examples, batch by batch: those of like length together, so that little is padding. Results come
 * in the order of the examples.
 */
export async function inBatches<R>(
  examples: readonly TokenizedExample[],
  {
    tokenizer,
    batchSize,
    signal,
  }: { tokenizer: Tokenizer; batchSize: number; signal?: AbortSignal | undefined },
  run: (batch: PaddedBatch, indices: readonly number[]) => R[] | Promise<R[]>,
): Promise<R[]> {
  const collate = dataCollatorWithPadding({ tokenizer });
  const order = examples
    .map((_, i) => i)
    .sort((a, b) => examples[a]!.inputIds.length - examples[b]!.inputIds.length);
  const results = new Array<R>(examples.length);
  for (let from = 0; from < order.length; from += batchSize) {
    signal?.throwIfAborted();
    const indices = order.slice(from, from + batchSize);
    const { inputIds, attentionMask, tokenTypeIds } = collate(
      indices.map((i) => examples[i]!),
    ) as unknown as PaddedBatch;
    const batch = { inputIds, attentionMask, ...(tokenTypeIds ? { tokenTypeIds } : {}) };
    (await run(batch, indices)).forEach((result, k) => {
      results[indices[k]!] = result;
    });
    // Lets Ctrl-C and progress through.
    await new Promise((resolve) => setImmediate(resolve));
  }
  return results;
}

/** Items in lists of at most so many. */
export async function* inChunks<T>(items: AsyncIterable<T>, size: number): AsyncGenerator<T[], void, void> {
  let chunk: T[] = [];
  for await (const item of items) {
    chunk.push(item);
    if (chunk.length < size) continue;
    yield chunk;
    chunk = [];
  }
  if (chunk.length > 0) yield chunk;
}
