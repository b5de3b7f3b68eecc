/**
 * Which source each row of a batch looks at. Where every source has as many rows, side by side, what is known of it is
 * held once; a decoder then asks for all its rows together.
 */
export class Sources {
  /** The source of each row. */
  #ofRow: number[];
  /** The source of each row of what is held. */
  #held: number[];

  constructor(count: number) {
    this.#ofRow = Array.from({ length: count }, (_, source) => source);
    this.#held = this.#ofRow;
  }

  get batchSize(): number {
    return this.#ofRow.length;
  }

  /**
   * Row i goes on from what row indices[i] was.
   *
   * @returns the rows of what is held that are to be held from now on, undefined where nothing changes
   */
  reorder(indices: readonly number[]): number[] | undefined {
    this.#ofRow = indices.map((index) => this.#ofRow[index]!);
    const distinct = [...new Set(this.#ofRow)];
    const each = this.#ofRow.length / distinct.length;
    const isEven = this.#ofRow.every((source, row) => source === distinct[Math.floor(row / each)]);
    const next = isEven ? distinct : this.#ofRow;
    if (next.length === this.#held.length && next.every((source, i) => source === this.#held[i]))
      return undefined;
    const moved = next.map((source) => this.#held.indexOf(source));
    this.#held = next;
    return moved;
  }
}

/**
 * Parts of a padded batch that are encoded apart, so that short sources are not computed as long as the longest: rows by
 * rising length, cut where a part has at least `least` rows and its padding would be more than a tenth.
 *
 * @param lengths positions of each row up to the last that counts
 */
export function partsByLength(lengths: readonly number[], least = 4): number[][] {
  const order = lengths.map((_, row) => row).sort((a, b) => lengths[a]! - lengths[b]!);
  const parts: number[][] = [];
  let part: number[] = [];
  let total = 0;
  for (const [i, row] of order.entries()) {
    const length = lengths[row]!;
    const wasted = length * (part.length + 1) - (total + length);
    if (part.length >= least && order.length - i >= least && wasted > 0.1 * (total + length)) {
      parts.push(part);
      part = [];
      total = 0;
    }
    part.push(row);
    total += length;
  }
  return parts.length === 0 ? [lengths.map((_, row) => row)] : [...parts, part];
}
