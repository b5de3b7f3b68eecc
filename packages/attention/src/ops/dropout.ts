import tf = require('@tensorflow/tfjs');

import { InputError } from '@weft/errors';
import { hasKernel, registerFusedGradient, runFused } from './dispatch.js';
import { DROPOUT, type DropoutAttrs } from './kernels.js';
import { dropoutMultipliers } from './philox.js';

/**
 * Where dropout stands: a seed, and an offset that each use moves on by one. Saving and restoring the two
 * repeats every mask; a trainer does so when it resumes, gradient checkpointing when it computes again.
 */
export class DropoutState {
  #seed: number;
  #offset = 0;

  constructor(seed = 0) {
    this.#seed = seed;
  }

  /** The attributes of the next dropout. */
  next(rate: number): DropoutAttrs {
    if (!(rate >= 0 && rate < 1)) {
      throw new InputError({
        operation: 'dropout',
        expected: 'a rate from 0 up to, not including, 1',
        received: String(rate),
        remedy: 'use 0 to switch dropout off',
      });
    }
    return { rate, seed: this.#seed, offset: rate === 0 ? this.#offset : this.#offset++ };
  }

  get(): { seed: number; offset: number } {
    return { seed: this.#seed, offset: this.#offset };
  }

  set({ seed, offset }: { seed: number; offset: number }): void {
    this.#seed = seed;
    this.#offset = offset;
  }
}

/** The state that all layers of this process share. */
export const dropoutState = new DropoutState();

export const noDropout: DropoutAttrs = { rate: 0, seed: 0, offset: 0 };

/**
 * Inverted dropout with a counter-based mask (Srivastava et al., 2014; Philox): the same seed and offset give
 * the same mask on every backend.
 *
 * @param x any shape
 * @returns the same shape
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { dropout } from '@weft/attention';
 *
 * const attrs = { rate: 0.5, seed: 1, offset: 0 };
 * const first = dropout(tf.ones([8]), attrs).dataSync();
 * console.assert(first.every((value) => value === 0 || value === 2));
 * console.assert(first.join() === dropout(tf.ones([8]), attrs).dataSync().join());
 * ```
 */
export function dropout(x: tf.Tensor, attrs: DropoutAttrs): tf.Tensor {
  if (attrs.rate === 0) return x;
  if (hasKernel(DROPOUT)) return runFused(DROPOUT, { x }, attrs)[0]!;
  return tf.tidy(() => tf.mul(x, dropoutMask(x.shape, attrs)));
}

/** The multipliers of a dropout as a tensor. */
export function dropoutMask(shape: number[], { rate, seed, offset }: DropoutAttrs): tf.Tensor {
  return tf.tensor(dropoutMultipliers(tf.util.sizeFromShape(shape), rate, seed, offset), shape);
}

registerFusedGradient<DropoutAttrs>(DROPOUT, { inputs: [] }, (dy, _, attrs) => ({
  x: () => runFused(DROPOUT, { x: dy }, attrs)[0]!,
}));
