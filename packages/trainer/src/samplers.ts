import { randomNumbers } from '@weft/attention';

/**
 * The order of examples in an epoch, from the seed and the number of the epoch alone, so that a resumed run
 * sees the same order without a generator's state.
 */
export function shuffledOrder(length: number, seed: number, epoch: number): number[] {
  return shuffle(
    Array.from({ length }, (_, i) => i),
    seed,
    epoch,
  );
}

/**
 * An order in which neighbours are of like length: shuffled, cut into mega-batches of fifty batches (fewer for
 * small sets), each sorted by falling length; the longest example of all comes first, so that memory that does
 * not suffice shows at once. As Hugging Face's LengthGroupedSampler.
 */
export function lengthGroupedOrder(
  lengths: readonly number[],
  batchSize: number,
  seed: number,
  epoch: number,
): number[] {
  return groupByLength(shuffledOrder(lengths.length, seed, epoch), lengths, batchSize);
}

/** The same from a given shuffled order. */
export function groupByLength(
  order: readonly number[],
  lengths: readonly number[],
  batchSize: number,
): number[] {
  const mega = Math.max(1, Math.min(Math.floor(lengths.length / (batchSize * 4)), 50)) * batchSize;
  const groups: number[][] = [];
  for (let i = 0; i < order.length; i += mega) {
    groups.push(order.slice(i, i + mega).sort((a, b) => lengths[b]! - lengths[a]!));
  }
  let longest = 0;
  for (let i = 1; i < groups.length; i++) {
    if (lengths[groups[i]![0]!]! > lengths[groups[longest]![0]!]!) longest = i;
  }
  if (longest > 0) {
    const first = groups[0]![0]!;
    groups[0]![0] = groups[longest]![0]!;
    groups[longest]![0] = first;
  }
  return groups.flat();
}

/** Fisher and Yates, with numbers from the seed and the epoch. */
function shuffle(values: number[], seed: number, epoch: number): number[] {
  const { uniform } = randomNumbers((seed % 2 ** 32) + epoch * 2 ** 32);
  for (let i = values.length - 1; i > 0; i--) {
    const j = Math.floor(uniform() * (i + 1));
    [values[i], values[j]] = [values[j]!, values[i]!];
  }
  return values;
}
