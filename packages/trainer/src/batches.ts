import { ConfigError, DataError } from '@weft/errors';
import type { ResolvedArguments } from './arguments.js';
import {
  type Batch,
  type DataCollator,
  type Dataset,
  hasLength,
  type IterableDataset,
  toBatches,
} from './dataset.js';
import { lengthGroupedOrder, shuffledOrder } from './samplers.js';

/** The batches of a data set, epoch by epoch. */
export interface BatchSource {
  /** Batches an epoch; undefined where only reading to the end would tell. */
  readonly length: number | undefined;
  /** The batches of an epoch without the first `skip` ones. */
  epoch(epoch: number, skip: number): AsyncGenerator<Batch, void, void>;
}

export interface BatchOptions<Example> {
  collate: DataCollator<Example>;
  batchSize: number;
  dropLast: boolean;
  seed: number;
  training: boolean;
  /** The order of an epoch; a data set that is iterated has its own. */
  order: (epoch: number) => readonly number[];
}

export function batchSource<Example>(
  dataset: Dataset<Example> | IterableDataset<Example>,
  options: BatchOptions<Example>,
): BatchSource {
  return hasLength(dataset) ? indexed(dataset, options) : iterated(dataset, options);
}

function indexed<Example>(
  dataset: Dataset<Example>,
  { collate, batchSize, dropLast, seed, training, order }: BatchOptions<Example>,
): BatchSource {
  return {
    length: toBatches(indicesOf(dataset), batchSize, dropLast).length,
    async *epoch(epoch, skip) {
      const batches = toBatches(order(epoch), batchSize, dropLast);
      for (let batch = skip; batch < batches.length; batch++) {
        const examples = await Promise.all(batches[batch]!.map((index) => exampleAt(dataset, index)));
        yield collate(examples, { seed, epoch, batch, training });
      }
    },
  };
}

async function exampleAt<Example>(dataset: Dataset<Example>, index: number): Promise<Example> {
  const example = await dataset.at(index);
  if (example !== undefined) return example;
  throw new DataError({
    operation: 'read data set',
    expected: `an example at ${index}, below the length ${dataset.length}`,
    received: 'undefined',
    remedy: 'let the sampler and length name only examples that there are',
  });
}

function iterated<Example>(
  dataset: IterableDataset<Example>,
  { collate, batchSize, dropLast, seed, training }: BatchOptions<Example>,
): BatchSource {
  return {
    length: undefined,
    async *epoch(epoch, skip) {
      let examples: Example[] = [];
      let batch = 0;
      const flush = (): Batch | undefined => {
        const number = batch++;
        const full = examples;
        examples = [];
        return number < skip ? undefined : collate(full, { seed, epoch, batch: number, training });
      };
      for await (const example of dataset) {
        examples.push(example);
        if (examples.length < batchSize) continue;
        const inputs = flush();
        if (inputs) yield inputs;
      }
      if (examples.length > 0 && !dropLast) {
        const inputs = flush();
        if (inputs) yield inputs;
      }
      if (batch > 0) return;
      throw new DataError({
        operation: 'read data set',
        expected: `examples in epoch ${epoch + 1}`,
        received: 'none',
        remedy:
          'give an object whose Symbol.iterator or Symbol.asyncIterator starts anew each time; a generator ends for good',
      });
    },
  };
}

/** Groups of `size` batches; the last one may be smaller. */
export async function* windowsOf(
  batches: AsyncGenerator<Batch, void, void>,
  size: number,
): AsyncGenerator<Batch[], void, void> {
  let window: Batch[] = [];
  for await (const batch of batches) {
    window.push(batch);
    if (window.length < size) continue;
    yield window;
    window = [];
  }
  if (window.length > 0) yield window;
}

/** The order of training examples that the arguments ask for. */
export function trainingOrder<Example>(
  dataset: Dataset<Example>,
  args: ResolvedArguments,
): (epoch: number) => readonly number[] {
  if (!args.groupByLength) return (epoch) => shuffledOrder(dataset.length, args.dataSeed, epoch);
  const batchSize = args.perDeviceTrainBatchSize * args.gradientAccumulationSteps;
  const column = args.lengthColumnName;
  const lengths = indicesOf(dataset).map(
    (i) => lengthOf(dataset.at(i), column) ?? noLength(dataset, i, column),
  );
  return (epoch) => lengthGroupedOrder(lengths, batchSize, args.dataSeed, epoch);
}

/**
 * The order in which examples are judged: as they come, or, grouped by length, the longest first, so that little is
 * padded; and as they come where an example does not say how long it is.
 */
export function evaluationOrder<Example>(
  dataset: Dataset<Example>,
  args: ResolvedArguments,
): readonly number[] {
  const order = indicesOf(dataset);
  if (!args.groupByLength) return order;
  const lengths: number[] = [];
  for (const i of order) {
    const length = lengthOf(dataset.at(i), args.lengthColumnName);
    if (length === undefined) return order;
    lengths.push(length);
  }
  return order.sort((a, b) => lengths[b]! - lengths[a]!);
}

const indicesOf = (dataset: Dataset<unknown>): number[] =>
  Array.from({ length: dataset.length }, (_, i) => i);

function lengthOf(example: unknown, column: string): number | undefined {
  // Where reading fails is told when the example is read for its batch.
  if (example instanceof Promise) example.catch(() => {});
  const fields = (example ?? {}) as Record<string, unknown>;
  const stated = fields[column];
  return typeof stated === 'number' ? stated : (fields.inputIds as ArrayLike<number> | undefined)?.length;
}

function noLength(dataset: Dataset<unknown>, index: number, column: string): never {
  throw new ConfigError({
    operation: 'Trainer',
    expected: `inputIds or ${column} in every example, to group by length`,
    received:
      dataset.at(index) instanceof Promise
        ? 'a data set that is read when asked for'
        : `example ${index} without`,
    remedy: 'name the field by lengthColumnName, pass a sampler, or turn groupByLength off',
  });
}
