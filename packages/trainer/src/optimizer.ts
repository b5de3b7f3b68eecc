import { existsSync } from 'node:fs';

import tf = require('@tensorflow/tfjs');

import { adamW, LayerNorm, type Module, RmsNorm } from '@weft/attention';
import { SafetensorsFile, type TensorsToWrite, writeSafetensors } from '@weft/checkpoint';
import { ConfigError, TrainingError } from '@weft/errors';

export interface OptimizerOptions {
  weightDecay: number;
  beta1: number;
  beta2: number;
  epsilon: number;
  /** A parameter's multiple of the learning rate, by its key. Default: 1. */
  learningRateFactor?: ((key: string) => number) | undefined;
}

/**
 * The keys that weight decay acts on: all but those of normalisation layers and those whose name says bias or
 * norm. Embeddings decay.
 *
 * @example
 * ```ts
 * import { Linear, randomSource, Scope } from '@weft/attention';
 * import { decayedKeys } from '@weft/trainer';
 *
 * using layer = new Linear(new Scope(randomSource(1)), { inFeatures: 2, outFeatures: 1 });
 * console.assert([...decayedKeys(layer)].join() === 'weight');
 * ```
 */
export function decayedKeys(module: Module): Set<string> {
  const norms = module
    .namedModules()
    .filter(([, each]) => each instanceof LayerNorm || each instanceof RmsNorm)
    .map(([path]) => `${path}.`);
  const exempt = /bias|layernorm|rmsnorm|(?:^|\.)norm(?:$|\.)|_norm(?:$|\.)/i;
  const keys = module.namedParameters().map(([key]) => key);
  return new Set(keys.filter((key) => !exempt.test(key) && !norms.some((norm) => key.startsWith(norm))));
}

/**
 * AdamW over a module's trainable parameters; its moments are saved beside the model.
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { Linear, randomSource, Scope } from '@weft/attention';
 * import { AdamW } from '@weft/trainer';
 *
 * using layer = new Linear(new Scope(randomSource(1)), { inFeatures: 2, outFeatures: 1 });
 * const optimizer = new AdamW(layer, { weightDecay: 0.01, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 });
 * const before = layer.bias!.dataSync()[0]!;
 * const gradients = optimizer.parameters.map(({ shape }) => tf.ones(shape));
 * optimizer.step(gradients, 0.1, 1);
 * console.assert(Math.abs(before - layer.bias!.dataSync()[0]! - 0.1) < 1e-5);
 * optimizer.dispose();
 * ```
 */
export class AdamW {
  readonly keys: readonly string[];
  readonly parameters: readonly tf.Variable[];
  #means: tf.Variable[];
  #variances: tf.Variable[];
  #options: OptimizerOptions;
  #step = 0;
  #decayed: Set<string>;
  #factors: readonly number[];

  constructor(module: Module, options: OptimizerOptions) {
    const trainable = module.namedParameters().filter(([, { trainable: is }]) => is);
    this.keys = trainable.map(([key]) => key);
    this.parameters = trainable.map(([, parameter]) => parameter);
    this.#options = options;
    this.#decayed = decayedKeys(module);
    this.#factors = this.keys.map((key) => factorOf(key, options));
    const zeros = (): tf.Variable[] =>
      this.parameters.map(({ shape }) => tf.tidy(() => tf.variable(tf.zeros(shape), false)));
    this.#means = zeros();
    this.#variances = zeros();
  }

  /**
   * One step at this rate. Parameters without a gradient stay as they are.
   *
   * @param gradients one a parameter; undefined where the loss does not depend on it
   */
  step(gradients: readonly (tf.Tensor | undefined)[], learningRate: number, gradientScale: number): void {
    this.#step++;
    const { beta1, beta2, epsilon, weightDecay } = this.#options;
    const active = [...gradients.keys()].filter((i) => gradients[i] !== undefined);
    adamW(
      {
        parameters: active.map((i) => this.parameters[i]!),
        gradients: active.map((i) => gradients[i]!),
        means: active.map((i) => this.#means[i]!),
        variances: active.map((i) => this.#variances[i]!),
      },
      {
        learningRate: active.map((i) => learningRate * this.#factors[i]!),
        weightDecay: active.map((i) => (this.#decayed.has(this.keys[i]!) ? weightDecay : 0)),
        beta1,
        beta2,
        epsilon,
        step: this.#step,
        gradientScale,
      },
    );
  }

  /** Writes the moments and the step count. */
  async save(path: string): Promise<void> {
    const tensors: TensorsToWrite = {};
    for (const [i, key] of this.keys.entries()) {
      const { shape } = this.parameters[i]!;
      tensors[`exp_avg.${key}`] = { dtype: 'F32', shape, data: this.#means[i]!.dataSync() as Float32Array };
      tensors[`exp_avg_sq.${key}`] = {
        dtype: 'F32',
        shape,
        data: this.#variances[i]!.dataSync() as Float32Array,
      };
    }
    await writeSafetensors(path, tensors, { format: 'pt', step: String(this.#step) });
  }

  /** @throws TrainingError when there is no such file or it is of another model */
  load(path: string): void {
    if (!existsSync(path)) {
      throw new TrainingError({
        operation: 'resume training',
        expected: `the optimizer's state in ${path}`,
        received: 'no such file',
        remedy: 'name another checkpoint; with saveOnlyModel there is nothing to go on from',
      });
    }
    using file = new SafetensorsFile(path);
    const wrong = this.keys.filter((key, i) => {
      const shape = this.parameters[i]!.shape.join();
      const fits = (name: string): boolean => file.has(name) && file.info(name).shape.join() === shape;
      return !fits(`exp_avg.${key}`) || !fits(`exp_avg_sq.${key}`);
    });
    if (wrong.length > 0) {
      throw new TrainingError({
        operation: 'resume training',
        expected: `moments of every parameter, in its shape, in ${path}`,
        received: `none such for ${wrong.join(', ')}`,
        remedy: 'resume with the model that was trained',
      });
    }
    for (const [i, key] of this.keys.entries()) {
      const assign = (variable: tf.Variable, name: string): void =>
        tf.tidy(() => variable.assign(tf.tensor(file.readFloat32(name), variable.shape)));
      assign(this.#means[i]!, `exp_avg.${key}`);
      assign(this.#variances[i]!, `exp_avg_sq.${key}`);
    }
    this.#step = Number(file.metadata.step);
  }

  dispose(): void {
    tf.dispose([this.#means, this.#variances]);
  }
}

function factorOf(key: string, { learningRateFactor }: OptimizerOptions): number {
  const factor = learningRateFactor?.(key) ?? 1;
  if (Number.isFinite(factor) && factor >= 0) return factor;
  throw new ConfigError({
    operation: 'learningRateFactor',
    expected: `a finite number of at least 0 for ${key}`,
    received: String(factor),
    remedy: 'give 1 for parameters that take the learning rate as it is',
  });
}
