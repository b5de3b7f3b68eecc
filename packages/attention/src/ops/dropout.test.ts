import * as tf from '@tensorflow/tfjs';
import { InputError } from '@weft/errors';
import { describe, expect, it } from 'vitest';
import { testCases } from '../../test/cases.ts';
import { DropoutState, dropout } from './dropout.js';
import type { DropoutAttrs } from './kernels.js';
import { philoxBlock } from './philox.js';

describe('philox', () => {
  // The known answers that the authors publish with Random123 (tests/kat_vectors).
  const known: [number[], number[], number[]][] = [
    [
      [0, 0, 0, 0],
      [0, 0],
      [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
    ],
    [
      [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
      [0xffffffff, 0xffffffff],
      [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
    ],
    [
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      [0xa4093822, 0x299f31d0],
      [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
    ],
  ];
  for (const [counter, key, expected] of known) {
    it(`gives the published words for counter ${counter.map((word) => word.toString(16))}`, () => {
      const words = new Uint32Array(4);
      philoxBlock(counter as [number, number, number, number], key as [number, number], words);
      expect([...words]).toEqual(expected);
    });
  }
});

describe('dropout', () => {
  testCases<DropoutAttrs>('dropout', ({ x }, { rate, seed, offset }) => dropout(x!, { rate, seed, offset }));

  it('keeps as many as it says, evenly, whatever the offset', () => {
    const size = 100_000;
    for (const rate of [0.1, 0.5]) {
      const values = tf.tidy(() => dropout(tf.ones([size]), { rate, seed: 3, offset: 11 }).dataSync());
      const dropped = values.filter((value) => value === 0).length;
      // Six standard deviations of a binomial.
      expect(Math.abs(dropped - size * rate)).toBeLessThan(6 * Math.sqrt(size * rate * (1 - rate)));
      let pairs = 0;
      for (let i = 1; i < size; i++) if (values[i] === 0 && values[i - 1] === 0) pairs++;
      expect(Math.abs(pairs / size - rate * rate)).toBeLessThan(0.01);
    }
  });

  it('repeats a mask from a saved state, and moves on with each use', () => {
    const state = new DropoutState(5);
    const draw = () =>
      tf.tidy(() =>
        dropout(tf.ones([64]), state.next(0.5))
          .dataSync()
          .join(),
      );
    const first = draw();
    const saved = state.get();
    const second = draw();
    expect(second).not.toBe(first);
    state.set(saved);
    expect(draw()).toBe(second);
    state.set({ seed: 6, offset: 0 });
    expect(draw()).not.toBe(first);
  });

  it('refuses a rate outside [0, 1)', () => {
    const state = new DropoutState();
    for (const rate of [-0.1, 1, Number.NaN]) expect(() => state.next(rate)).toThrow(InputError);
    expect(state.next(0)).toEqual({ rate: 0, seed: 0, offset: 0 });
    expect(state.get().offset).toBe(0);
  });
});
