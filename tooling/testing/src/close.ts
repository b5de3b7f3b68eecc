import { expect } from 'vitest';

export interface Tolerance {
  atol: number;
  rtol: number;
}

/** The three tolerances of the project: `|a - b| <= atol + rtol * |b|`. */
export const closeTo = {
  ops: { atol: 1e-6, rtol: 1e-5 },
  models: { atol: 1e-5, rtol: 1e-4 },
  gradients: { atol: 1e-5, rtol: 1e-3 },
} as const satisfies Record<string, Tolerance>;

export function maxAbsDiff(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  let worst = 0;
  for (let i = 0; i < expected.length; i++) worst = Math.max(worst, Math.abs(actual[i]! - expected[i]!));
  return worst;
}

/** Fails with the first differing index, both values and the worst difference. NaN equals NaN. */
export function expectClose(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  { atol, rtol }: Tolerance = closeTo.ops,
  what = 'values',
): void {
  expect(actual.length, `${what}: number of elements`).toBe(expected.length);
  for (let i = 0; i < expected.length; i++) {
    const a = actual[i]!;
    const b = expected[i]!;
    if (Object.is(a, b) || a === b) continue;
    if (!(Math.abs(a - b) <= atol + rtol * Math.abs(b))) {
      expect.fail(
        `${what}: element ${i} of ${expected.length} is ${a}, expected ${b} ` +
          `(worst absolute difference ${maxAbsDiff(actual, expected)}, atol ${atol}, rtol ${rtol})`,
      );
    }
  }
}
