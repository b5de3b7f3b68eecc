import type { PairTable } from './pair-table.js';

/** Symbols of one word: ids and the range of text that each covers. */
export interface Symbols {
  ids: number[];
  from: number[];
  to: number[];
}

const NO_RANK = 0x7fffffff;

/** Applies the merges, lowest rank first and leftmost first among equals, in place. */
export function mergeSymbols(symbols: Symbols, merges: PairTable): void {
  if (symbols.ids.length < 2) return;
  if (symbols.ids.length <= 48) mergeShort(symbols, merges);
  else mergeLong(symbols, merges);
}

function mergeShort({ ids, from, to }: Symbols, merges: PairTable): void {
  const places: number[] = [];
  for (let i = 0; i + 1 < ids.length; i++) places.push(merges.find(ids[i]!, ids[i + 1]!));
  for (;;) {
    let best = NO_RANK;
    let at = -1;
    for (let i = 0; i < places.length; i++) {
      const place = places[i]!;
      if (place < 0) continue;
      const rank = merges.rankAt(place);
      if (rank < best) {
        best = rank;
        at = i;
      }
    }
    if (at < 0) return;
    ids[at] = merges.idAt(places[at]!);
    to[at] = Math.max(to[at]!, to[at + 1]!);
    from[at] = Math.min(from[at]!, from[at + 1]!);
    ids.splice(at + 1, 1);
    from.splice(at + 1, 1);
    to.splice(at + 1, 1);
    places.splice(at, 1);
    if (at > 0) places[at - 1] = merges.find(ids[at - 1]!, ids[at]!);
    if (at < places.length) places[at] = merges.find(ids[at]!, ids[at + 1]!);
  }
}

/** A heap of (rank, position) in one number each, so that a word of 100 kB takes n log n. */
class Heap {
  private readonly items: number[] = [];

  push(item: number): void {
    const { items } = this;
    let at = items.length;
    items.push(item);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (items[parent]! <= item) break;
      items[at] = items[parent]!;
      at = parent;
    }
    items[at] = item;
  }

  pop(): number | undefined {
    const { items } = this;
    const top = items[0];
    const last = items.pop();
    if (items.length === 0 || last === undefined) return top;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= items.length) break;
      if (child + 1 < items.length && items[child + 1]! < items[child]!) child++;
      if (items[child]! >= last) break;
      items[at] = items[child]!;
      at = child;
    }
    items[at] = last;
    return top;
  }
}

const POSITIONS = 2 ** 26;

function mergeLong({ ids, from, to }: Symbols, merges: PairTable): void {
  const count = ids.length;
  const next = new Int32Array(count);
  const previous = new Int32Array(count);
  for (let i = 0; i < count; i++) {
    next[i] = i + 1 < count ? i + 1 : -1;
    previous[i] = i - 1;
  }
  const heap = new Heap();
  const offer = (left: number): void => {
    if (left < 0 || next[left]! < 0) return;
    const place = merges.find(ids[left]!, ids[next[left]!]!);
    if (place >= 0) heap.push(merges.rankAt(place) * POSITIONS + left);
  };
  for (let i = 0; i + 1 < count; i++) offer(i);
  for (let top = heap.pop(); top !== undefined; top = heap.pop()) {
    const left = top % POSITIONS;
    const right = next[left]!;
    if (ids[left] === -1 || right < 0) continue;
    const place = merges.find(ids[left]!, ids[right]!);
    // An entry whose symbols have since been merged otherwise is void.
    if (place < 0 || merges.rankAt(place) !== Math.floor(top / POSITIONS)) continue;
    ids[left] = merges.idAt(place);
    to[left] = Math.max(to[left]!, to[right]!);
    from[left] = Math.min(from[left]!, from[right]!);
    ids[right] = -1;
    next[left] = next[right]!;
    if (next[right]! >= 0) previous[next[right]!] = left;
    offer(previous[left]!);
    offer(left);
  }
  let kept = 0;
  for (let i = 0; i >= 0 && i < count; i = next[i]!) {
    ids[kept] = ids[i]!;
    from[kept] = from[i]!;
    to[kept] = to[i]!;
    kept++;
  }
  ids.length = from.length = to.length = kept;
}
