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
