import tf = require('@tensorflow/tfjs');

import { type TopTokens, topTokens } from '@weft/attention';

type Tokens = readonly (readonly number[])[];

/** The steps of a decoding session, in terms of the states of the positions fed and of what scores them. */
export abstract class StatesSession {
  step(tokens: Tokens, { allPositions = false } = {}): Float32Array {
    return this.#read(tokens, allPositions, (states) => this.score(states).dataSync() as Float32Array);
  }

  stepBest(tokens: Tokens): Int32Array {
    return this.#read(tokens, false, (states) => this.likeliest(states).dataSync() as Int32Array);
  }

  stepTop(tokens: Tokens, count: number): TopTokens {
    return this.#read(tokens, false, (states) => topTokens(this.score(states), count));
  }

  /**
   * States [B, T, E] of new positions, which the cache then holds; where not all positions are wanted, those of the
   * last [B, 1, E] are enough. Called inside tf.tidy.
   */
  protected abstract feed(tokens: Tokens, allPositions: boolean): tf.Tensor;

  /** Logits [rows, V] of states [rows, E]. Called inside tf.tidy. */
  protected abstract score(states: tf.Tensor): tf.Tensor;

  /** The token with the greatest logit, int32 [rows], of states [rows, E]. Called inside tf.tidy. */
  protected abstract likeliest(states: tf.Tensor): tf.Tensor;

  /** What `read` takes from the states [rows, E]: of the last position of each row, or of every position. */
  #read<T>(tokens: Tokens, allPositions: boolean, read: (states: tf.Tensor) => T): T {
    let result: T | undefined;
    tf.tidy(() => {
      const states = this.feed(tokens, allPositions);
      const [batch, length, width] = states.shape as [number, number, number];
      const wanted =
        allPositions || length === 1 ? states : tf.slice(states, [0, length - 1, 0], [batch, 1, width]);
      result = read(wanted.reshape([-1, width]));
    });
    return result as T;
  }
}
