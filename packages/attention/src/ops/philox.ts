/**
 * Philox4x32-10 (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", 2011): four
 * 32-bit words from a 128-bit counter and a 64-bit key. Any element of a mask is computed alone, so a mask is
 * the same on every backend and with any number of threads.
 */
const MULTIPLIER_0 = 0xd2511f53;
const MULTIPLIER_1 = 0xcd9e8d57;
const KEY_STEP_0 = 0x9e3779b9;
const KEY_STEP_1 = 0xbb67ae85;
const TWO_32 = 2 ** 32;

/** The high 32 bits of the product of two unsigned 32-bit numbers. */
function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const low = aLow * bLow;
  const middle = aHigh * bLow + (low >>> 16);
  const carry = aLow * bHigh + (middle % 65536);
  return (aHigh * bHigh + Math.floor(middle / 65536) + Math.floor(carry / 65536)) >>> 0;
}

/** Writes the four words of one block into `out`. */
export function philoxBlock(
  counter: readonly [number, number, number, number],
  key: readonly [number, number],
  out: Uint32Array,
): void {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < 10; round++) {
    const high0 = multiplyHigh(MULTIPLIER_0, c0);
    const low0 = Math.imul(MULTIPLIER_0, c0) >>> 0;
    const high1 = multiplyHigh(MULTIPLIER_1, c2);
    const low1 = Math.imul(MULTIPLIER_1, c2) >>> 0;
    c0 = (high1 ^ c1 ^ k0) >>> 0;
    c1 = low1;
    c2 = (high0 ^ c3 ^ k1) >>> 0;
    c3 = low0;
    k0 = (k0 + KEY_STEP_0) >>> 0;
    k1 = (k1 + KEY_STEP_1) >>> 0;
  }
  out[0] = c0;
  out[1] = c1;
  out[2] = c2;
  out[3] = c3;
}

/** Splits a whole number below 2^53 into its low and high 32-bit words. */
const words = (value: number): [number, number] => [value % TWO_32, Math.floor(value / TWO_32)];

/**
 * Dropout's multipliers for `size` elements: 0 where an element is dropped, 1 / (1 - rate) where it is kept.
 * The layout of counters is part of the kernels' contract.
 */
export function dropoutMultipliers(size: number, rate: number, seed: number, offset: number): Float32Array {
  const multipliers = new Float32Array(size);
  const threshold = Math.round(rate * TWO_32);
  const kept = Math.fround(1 / (1 - rate));
  const key = words(seed);
  const [offsetLow, offsetHigh] = words(offset);
  const block = new Uint32Array(4);
  for (let i = 0; i < size; i += 4) {
    const [low, high] = words(i / 4);
    philoxBlock([low, high, offsetLow, offsetHigh], key, block);
    for (let j = 0; j < 4 && i + j < size; j++) multipliers[i + j] = block[j]! >= threshold ? kept : 0;
  }
  return multipliers;
}
