/** Examples by index. Arrays are data sets; `at` may read an example from a file when it is asked for. */
export interface Dataset<Example> {
  readonly length: number;
  at(index: number): Example | undefined | Promise<Example | undefined>;
}

/** Examples one after the other, in their own order, for sets that are too large to hold; read anew each epoch. */
export type IterableDataset<Example> = Iterable<Example> | AsyncIterable<Example>;

/** Where a batch stands; collators that draw random numbers draw them from this, so that a resumed run repeats them. */
export interface CollateContext {
  seed: number;
  epoch: number;
  /** Number of the batch in its epoch. */
  batch: number;
  /** False in evaluations. */
  training: boolean;
}

/** Puts examples into one batch of inputs for the model's `forward`. */
export type DataCollator<Example> = (examples: readonly Example[], context?: CollateContext) => Batch;

/**
 * Inputs by name: rows of numbers, tensors or plain values, whatever the model's forward takes. Tensors in it are
 * the trainer's, which disposes them after use.
 */
export type Batch = Record<string, unknown>;

export function hasLength<Example>(
  dataset: Dataset<Example> | IterableDataset<Example>,
): dataset is Dataset<Example> {
  return 'length' in dataset && 'at' in dataset;
}

/** The batches of an order of examples. */
export function toBatches(order: readonly number[], batchSize: number, dropLast: boolean): number[][] {
  const batches: number[][] = [];
  for (let i = 0; i < order.length; i += batchSize) batches.push(order.slice(i, i + batchSize));
  if (dropLast && batches.length > 1 && batches.at(-1)!.length < batchSize) batches.pop();
  return batches;
}

/**
 * Joins texts' ids, in order, and cuts them into blocks of one length; what is left over at the end is dropped.
 *
 * @example
 * ```ts
 * import { packIntoBlocks } from '@weft/trainer';
 *
 * const blocks = packIntoBlocks([[1, 2, 3], [4, 5]], 2);
 * console.assert(JSON.stringify(blocks) === '[{"inputIds":[1,2]},{"inputIds":[3,4]}]');
 * ```
 */
export function packIntoBlocks(
  texts: Iterable<readonly number[]>,
  blockSize: number,
): { inputIds: number[] }[] {
  const blocks: { inputIds: number[] }[] = [];
  let block: number[] = [];
  for (const ids of texts) {
    for (const id of ids) {
      block.push(id);
      if (block.length === blockSize) {
        blocks.push({ inputIds: block });
        block = [];
      }
    }
  }
  return blocks;
}
