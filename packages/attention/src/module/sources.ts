import tf = require('@tensorflow/tfjs');

import { CheckpointError } from '@weft/errors';
import { philoxBlock } from '../ops/philox.js';
import type { Initializer, RandomNumbers } from './initializers.js';
import type { ParameterSource } from './scope.js';

/** Draws every parameter from a seed; the same seed gives the same model on every machine. */
export function randomSource(seed: number): ParameterSource {
  const random = randomNumbers(seed);
  return { take: (_, shape, initialize) => tf.tensor(initialize(shape, random), [...shape], 'float32') };
}

/** Normal and uniform numbers from Philox with this seed. */
export function randomNumbers(seed: number): RandomNumbers {
  const block = new Uint32Array(4);
  const key: [number, number] = [seed >>> 0, Math.floor(seed / 2 ** 32) >>> 0];
  let count = 0;
  let used = 4;
  let spare: number | undefined;
  const uniform = (): number => {
    if (used === 4) {
      philoxBlock([count >>> 0, Math.floor(count / 2 ** 32), 0x77656674, 0], key, block);
      count++;
      used = 0;
    }
    return block[used++]! / 2 ** 32;
  };
  const normal = (): number => {
    if (spare !== undefined) {
      const value = spare;
      spare = undefined;
      return value;
    }
    // Box and Muller; 1 - u keeps the logarithm away from zero.
    const radius = Math.sqrt(-2 * Math.log(1 - uniform()));
    const angle = 2 * Math.PI * uniform();
    spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  };
  return { uniform, normal };
}

/** A checkpoint as a source sees it: names, shapes and values, whatever the file is. */
export interface WeightReader {
  names(): readonly string[];
  /** Undefined when there is no such tensor. */
  shape(name: string): readonly number[] | undefined;
  read(name: string): Float32Array;
}

export interface WeightsSourceOptions {
  /** Where a file's key differs from the module's: the key in the file, or undefined for a new parameter. */
  resolve?: (key: string) => string | undefined;
  /** Draw what is missing instead of failing, for keys that this accepts: the new head of a fine-tuning. */
  mayBeMissing?: (key: string) => boolean;
  /** Draw parameters whose shape in the file differs instead of failing. */
  ignoreMismatchedSizes?: boolean;
  /** Seed of what is drawn. */
  seed?: number;
  /** Named in errors. */
  file?: string;
}

export interface WeightsSource extends ParameterSource {
  /** Throws one error that lists every missing and misshapen key; else tells what was drawn and what was left. */
  finish(): { initialized: string[]; mismatched: string[]; unexpected: string[] };
}

/** Reads parameters from a checkpoint, and collects every key that does not fit. */
export function weightsSource(reader: WeightReader, options: WeightsSourceOptions = {}): WeightsSource {
  const {
    resolve = (key) => key,
    mayBeMissing = () => false,
    ignoreMismatchedSizes = false,
    seed = 0,
  } = options;
  const random = randomNumbers(seed);
  const used = new Set<string>();
  const missing: string[] = [];
  const initialized: string[] = [];
  const mismatched: string[] = [];
  const draw = (shape: readonly number[], initialize: Initializer) =>
    tf.tensor(initialize(shape, random), [...shape]);
  return {
    take(key, shape, initialize) {
      const name = resolve(key);
      const stored = name === undefined ? undefined : reader.shape(name);
      if (name === undefined || stored === undefined) {
        (mayBeMissing(key) ? initialized : missing).push(key);
        return draw(shape, initialize);
      }
      used.add(name);
      if (stored.length !== shape.length || stored.some((size, i) => size !== shape[i])) {
        mismatched.push(`${key} is [${stored.join(', ')}] in the file, [${shape.join(', ')}] in the model`);
        return draw(shape, initialize);
      }
      return tf.tensor(reader.read(name), [...shape], 'float32');
    },
    finish() {
      const wrong = ignoreMismatchedSizes ? [] : mismatched;
      if (missing.length + wrong.length > 0) {
        throw new CheckpointError({
          operation: 'load weights',
          expected: 'a tensor of the right shape for every parameter of the model',
          received: [...missing.map((key) => `${key} is missing`), ...wrong].join('; '),
          remedy: wrong.length
            ? 'load with the matching configuration, or pass ignoreMismatchedSizes to draw these anew'
            : 'check that the checkpoint belongs to this architecture',
          keys: [...missing, ...wrong.map((text) => text.split(' ')[0]!)],
          ...(options.file === undefined ? {} : { file: options.file }),
        });
      }
      const unexpected = reader.names().filter((name) => !used.has(name));
      return { initialized, mismatched: mismatched.map((text) => text.split(' ')[0]!), unexpected };
    },
  };
}
