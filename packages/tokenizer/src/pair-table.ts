/** Pairs of ids to a rank and an id: open addressing over typed arrays, for no allocation at a look-up. */
export class PairTable {
  private readonly mask: number;
  private readonly first: Int32Array;
  private readonly second: Int32Array;
  private readonly values: Int32Array;

  constructor(capacity: number) {
    let size = 16;
    while (size < capacity * 2) size *= 2;
    this.mask = size - 1;
    this.first = new Int32Array(size).fill(-1);
    this.second = new Int32Array(size);
    this.values = new Int32Array(size * 2);
  }

  private slot(a: number, b: number): number {
    let at = (Math.imul(a, 0x9e3779b1) ^ Math.imul(b, 0x85ebca6b)) >>> 0;
    at = (at ^ (at >>> 15)) & this.mask;
    while (this.first[at] !== -1 && (this.first[at] !== a || this.second[at] !== b))
      at = (at + 1) & this.mask;
    return at;
  }

  set(a: number, b: number, rank: number, id: number): void {
    const at = this.slot(a, b);
    this.first[at] = a;
    this.second[at] = b;
    this.values[2 * at] = rank;
    this.values[2 * at + 1] = id;
  }

  /** A place to read with {@link rankAt} and {@link idAt}; -1 where the pair is not there. */
  find(a: number, b: number): number {
    const at = this.slot(a, b);
    return this.first[at] === -1 ? -1 : at;
  }

  rankAt(place: number): number {
    return this.values[2 * place]!;
  }

  idAt(place: number): number {
    return this.values[2 * place + 1]!;
  }
}
