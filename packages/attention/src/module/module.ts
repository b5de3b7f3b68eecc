import tf = require('@tensorflow/tfjs');

/**
 * A part of a model. Its own fields that are tfjs variables are its parameters, its fields that are modules (or
 * arrays of modules) its children: the path of fields that leads to a parameter is the parameter's key in a
 * checkpoint, `h.0.attn.c_attn.weight`. Everything that is neither belongs in private `#` fields or in plain
 * values.
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { Linear, Module, randomSource, Scope } from '@weft/attention';
 *
 * class Head extends Module {
 *   readonly dense: Linear;
 *   constructor(scope: Scope) {
 *     super();
 *     this.dense = new Linear(scope.child('dense'), { inFeatures: 4, outFeatures: 2 });
 *   }
 * }
 * using head = new Head(new Scope(randomSource(1)));
 * console.assert(head.namedParameters().map(([key]) => key).join() === 'dense.weight,dense.bias');
 * ```
 */
export abstract class Module {
  #training = false;

  /** True while dropout acts. */
  get training(): boolean {
    return this.#training;
  }

  /** Turns training mode on or off here and in every child. */
  train(mode = true): this {
    for (const [, module] of this.namedModules()) module.#training = mode;
    return this;
  }

  eval(): this {
    return this.train(false);
  }

  /** Children and their children, in order, this module first under the empty path. */
  namedModules(prefix = ''): [string, Module][] {
    const found: [string, Module][] = [[prefix, this]];
    for (const [path, child] of this.#children(prefix)) found.push(...child.namedModules(path));
    return found;
  }

  /** Parameters by key, in order; one that is tied to an earlier one is not listed again. */
  namedParameters(): [string, tf.Variable][] {
    const seen = new Set<tf.Variable>();
    return this.namedModules().flatMap(([prefix, module]) =>
      Object.entries(module).flatMap(([field, value]): [string, tf.Variable][] => {
        if (!(value instanceof tf.Variable) || seen.has(value)) return [];
        seen.add(value);
        return [[join(prefix, field), value]];
      }),
    );
  }

  parameters(): tf.Variable[] {
    return this.namedParameters().map(([, parameter]) => parameter);
  }

  /** How many numbers the parameters hold, tied ones once. */
  numParameters(): number {
    return this.parameters().reduce((sum, { size }) => sum + size, 0);
  }

  /** Frees all parameters, and what modules keep beside them. The module cannot be used afterwards. */
  dispose(): void {
    for (const [, module] of this.namedModules()) module.release();
    for (const parameter of this.parameters()) if (!parameter.isDisposed) parameter.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** Frees tensors of this module alone that are no parameters; for modules that keep some. */
  protected release(): void {}

  #children(prefix: string): [string, Module][] {
    return Object.entries(this).flatMap(([field, value]): [string, Module][] => {
      if (value instanceof Module) return [[join(prefix, field), value]];
      if (!Array.isArray(value)) return [];
      return value.flatMap((item: unknown, index): [string, Module][] =>
        item instanceof Module ? [[join(prefix, `${field}.${index}`), item]] : [],
      );
    });
  }
}

const join = (prefix: string, name: string): string => (prefix === '' ? name : `${prefix}.${name}`);
