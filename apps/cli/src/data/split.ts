import { randomNumbers } from '@weft/attention';
import { DataError } from '@weft/errors';

/**
 * Holds a share out, drawn by seed. Each group (a class, say) gives about that share of its own and keeps at least
 * one; groups of one keep it.
 *
 * @param groupOf the group of an item
 */
export function splitByGroup<T>(
  items: readonly T[],
  share: number,
  seed: number,
  groupOf: (item: T) => unknown,
): { train: T[]; heldOut: T[] } {
  checkShare(share);
  const groups = new Map<unknown, number[]>();
  items.forEach((item, i) => {
    const group = groupOf(item);
    const members = groups.get(group);
    if (members) members.push(i);
    else groups.set(group, [i]);
  });
  const { uniform } = randomNumbers(seed);
  const heldOut = new Set<number>();
  // What rounding leaves over in one group is owed by the next, so that many small groups give their share too.
  let owed = 0;
  for (const members of groups.values()) {
    shuffle(members, uniform);
    owed += members.length * share;
    const count = Math.min(members.length - 1, Math.round(owed));
    for (const i of members.slice(0, count)) heldOut.add(i);
    owed -= count;
  }
  return {
    train: items.filter((_, i) => !heldOut.has(i)),
    heldOut: items.filter((_, i) => heldOut.has(i)),
  };
}

/** Holds out whole groups (articles, say), so that nothing of a group that is judged was learnt from. */
export function splitWholeGroups<T>(
  items: readonly T[],
  share: number,
  seed: number,
  groupOf: (item: T) => unknown,
): { train: T[]; heldOut: T[] } {
  checkShare(share);
  const groups = [...new Set(items.map(groupOf))];
  shuffle(groups, randomNumbers(seed).uniform);
  const wanted = items.length * share;
  const sizes = new Map<unknown, number>();
  for (const item of items) sizes.set(groupOf(item), (sizes.get(groupOf(item)) ?? 0) + 1);
  const chosen = new Set<unknown>();
  let count = 0;
  for (const group of groups.slice(0, -1)) {
    if (count >= wanted) break;
    chosen.add(group);
    count += sizes.get(group)!;
  }
  return {
    train: items.filter((item) => !chosen.has(groupOf(item))),
    heldOut: items.filter((item) => chosen.has(groupOf(item))),
  };
}

function checkShare(share: number): void {
  if (share >= 0 && share < 1) return;
  throw new DataError({
    operation: 'split',
    expected: 'a share from 0 up to, not including, 1',
    received: String(share),
    remedy: 'say --eval-split 0.1 for a tenth',
  });
}

function shuffle(items: unknown[], uniform: () => number): void {
  for (let i = items.length - 1; i > 0; i--) {
    const j = Math.floor(uniform() * (i + 1));
    [items[i], items[j]] = [items[j], items[i]];
  }
}
