/** Slow, obvious references in double precision, and the numbers that go in. */
import { seededRandom } from '@weft/testing';

export const sizeOf = (shape: readonly number[]): number => shape.reduce((size, length) => size * length, 1);

/** The same numbers on each call: uniform in [-1, 1) times `scale`. */
export function numbers(shape: readonly number[], seed: number, scale = 1): Float32Array {
  const random = seededRandom(seed);
  return Float32Array.from({ length: sizeOf(shape) }, () => (random() * 2 - 1) * scale);
}

/** What a row of sizes around the kernels' tiles and vectors should bring to light. */
export const raggedSizes = [1, 2, 3, 5, 7, 8, 13, 15, 16, 17, 31, 32, 33, 47, 61, 64, 67];

/** NaN, both infinities, both zeros, the ends of the range. */
export const specialValues = [
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  0,
  -0,
  1,
  -1,
  0.5,
  -0.5,
  88,
  -88,
  100,
  -100,
  1e-30,
  -1e-30,
  1e30,
  -1e30,
];

export interface MatMulCase {
  batchA: number[];
  batchB: number[];
  m: number;
  k: number;
  n: number;
  transposeA: boolean;
  transposeB: boolean;
}

const strideFor = (batch: number[], outer: number[], item: number): number => {
  let position = 0;
  let stride = 1;
  let rest = item;
  for (let axis = outer.length - 1; axis >= 0; axis--) {
    const place = rest % outer[axis]!;
    rest = Math.floor(rest / outer[axis]!);
    const own = batch[axis - (outer.length - batch.length)];
    if (own === undefined) continue;
    if (own !== 1) position += place * stride;
    stride *= own;
  }
  return position;
};

/** Batched multiplication with broadcast leading axes, each element summed in double. */
export function matMul(
  a: Float32Array,
  b: Float32Array,
  { batchA, batchB, m, k, n, transposeA, transposeB }: MatMulCase,
): Float64Array {
  const rank = Math.max(batchA.length, batchB.length);
  const outer = Array.from({ length: rank }, (_, axis) => {
    const left = batchA[axis - (rank - batchA.length)] ?? 1;
    const right = batchB[axis - (rank - batchB.length)] ?? 1;
    return left === 1 ? right : left;
  });
  const items = sizeOf(outer);
  const c = new Float64Array(items * m * n);
  for (let item = 0; item < items; item++) {
    const fromA = strideFor(batchA, outer, item) * m * k;
    const fromB = strideFor(batchB, outer, item) * k * n;
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        let total = 0;
        for (let p = 0; p < k; p++) {
          total +=
            a[fromA + (transposeA ? p * m + i : i * k + p)]! *
            b[fromB + (transposeB ? j * k + p : p * n + j)]!;
        }
        c[(item * m + i) * n + j] = total;
      }
    }
  }
  return c;
}
