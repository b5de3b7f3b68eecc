import tf = require('@tensorflow/tfjs');

import type { Initializer } from './initializers.js';

/** Where parameters come from: drawn at random, or read from a checkpoint. */
export interface ParameterSource {
  /** The values of the parameter with this key; `initialize` says how a new one is drawn. */
  take(key: string, shape: readonly number[], initialize: Initializer): tf.Tensor;
}

/**
 * A place in the tree of keys. Layers take their parameters through it, naming each with its shape, so that a
 * source can check every one against a file.
 */
export class Scope {
  readonly prefix: string;
  #source: ParameterSource;

  constructor(source: ParameterSource, prefix = '') {
    this.#source = source;
    this.prefix = prefix;
  }

  child(name: string | number): Scope {
    return new Scope(this.#source, this.prefix === '' ? String(name) : `${this.prefix}.${name}`);
  }

  /** A trainable parameter under this scope. */
  parameter(name: string, shape: readonly number[], initialize: Initializer): tf.Variable {
    const key = this.prefix === '' ? name : `${this.prefix}.${name}`;
    const values = this.#source.take(key, shape, initialize);
    // tfjs wants names that are unique in the process; without one it numbers the variable itself.
    const variable = tf.variable(values, true);
    values.dispose();
    return variable;
  }
}
