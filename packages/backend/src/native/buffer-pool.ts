import type { Addon } from '../addon/addon.js';

/** Below this many bytes a fresh array costs less than looking for a used one. */
const smallest = 2048;
/** From here on fresh memory is asked for in large pages. */
const inLargePages = 32 << 10;
/** Free memory kept beyond the need of the busiest moment so far. */
const slack = 64 << 20;

export interface PoolState {
  /** Bytes in buffers that tensors use. */
  used: number;
  /** Bytes in buffers that wait to be used again. */
  free: number;
  /** The most bytes that were in use at one time. */
  peak: number;
}

/**
 * Array buffers by size class, four classes to a doubling, used again when their tensor is disposed, by one of at least
 * half their size: a fresh array of 100 MB costs more in page faults than the arithmetic that fills it.
 *
 * Bounded: used and free bytes together stay below 1.25 times the most that was ever in use, plus 64 MB; beyond
 * that, the buffers that have waited longest are given back to the system.
 */
export class BufferPool {
  readonly #addon: Addon;
  readonly #free = new Map<number, ArrayBuffer[]>();
  readonly #state: PoolState = { used: 0, free: 0, peak: 0 };

  constructor(addon: Addon) {
    this.#addon = addon;
  }

  /** A buffer of at least `bytes`; its contents are whatever its last user left. */
  take(bytes: number): ArrayBuffer {
    if (bytes < smallest) return new ArrayBuffer(bytes);
    const size = sizeClass(bytes);
    const found = this.#waiting(size);
    const state = this.#state;
    state.used += found?.byteLength ?? size;
    if (state.used > state.peak) state.peak = state.used;
    if (found !== undefined) {
      state.free -= found.byteLength;
      return found;
    }
    this.#trim();
    const pages = size >= inLargePages ? this.#addon.allocateBuffer(size) : undefined;
    return pages ?? new ArrayBuffer(size);
  }

  /**
   * The smallest waiting buffer from this size to its double. Without the larger ones, batches that differ in length
   * from step to step would go on asking for memory and giving it back, and each time call the garbage collector.
   */
  #waiting(size: number): ArrayBuffer | undefined {
    for (let fitting = size; fitting <= 2 * size; fitting = sizeClass(fitting + 1)) {
      const found = this.#free.get(fitting)?.pop();
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** Takes a buffer back. Only buffers that came from `take`, and only when nothing else can see them. */
  give(buffer: ArrayBuffer): void {
    const size = buffer.byteLength;
    if (size < smallest) return;
    this.#state.used -= size;
    this.#state.free += size;
    const waiting = this.#free.get(size);
    if (waiting === undefined) this.#free.set(size, [buffer]);
    else waiting.push(buffer);
    this.#trim();
  }

  state(): Readonly<PoolState> {
    return this.#state;
  }

  /** Gives all waiting buffers back to the system. */
  clear(): void {
    for (const waiting of this.#free.values()) for (const buffer of waiting) this.#addon.freeBuffer(buffer);
    this.#free.clear();
    this.#state.free = 0;
  }

  /** Frees what lies beyond the bound; the map's order is that of first use, so the oldest sizes go first. */
  #trim(): void {
    const state = this.#state;
    const bound = state.peak * 1.25 + slack;
    if (state.used + state.free <= bound) return;
    for (const [size, waiting] of this.#free) {
      while (waiting.length > 0 && state.used + state.free > bound) {
        this.#addon.freeBuffer(waiting.shift()!);
        state.free -= size;
      }
      if (waiting.length === 0) this.#free.delete(size);
      if (state.used + state.free <= bound) return;
    }
  }
}

/** The next size of the form 2^k * (1, 1.25, 1.5, 1.75). */
function sizeClass(bytes: number): number {
  const quarter = 2 ** (Math.floor(Math.log2(bytes - 1)) - 2);
  return Math.ceil(bytes / quarter) * quarter;
}
