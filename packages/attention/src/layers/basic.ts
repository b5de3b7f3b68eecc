import type * as tf from '@tensorflow/tfjs';
import { type Initializer, linearDefault, normal, ones, zeros } from '../module/initializers.js';
import { Module } from '../module/module.js';
import type { Scope } from '../module/scope.js';
import type { StepLinear } from '../ops/decoder-step.js';
import { isRecording } from '../ops/dispatch.js';
import { dropout, dropoutState } from '../ops/dropout.js';
import { embedding } from '../ops/embedding.js';
import type { Activation, WeightLayout } from '../ops/kernels.js';
import { layerNorm } from '../ops/layer-norm.js';
import { linear } from '../ops/linear.js';
import { linears } from '../ops/linears.js';
import { addRmsNorm, rmsNorm } from '../ops/rms-norm.js';
import { Int8Copy } from './int8-copy.js';

export interface LinearLayerOptions {
  inFeatures: number;
  outFeatures: number;
  /** Default: true. */
  bias?: boolean;
  /** `in-out` is GPT-2's Conv1D. Default: `out-in`. */
  layout?: WeightLayout;
  /** How new weights are drawn; biases then start at zero. Default: as torch.nn.Linear, bias too. */
  initialize?: Initializer;
}

/** A linear layer: [..., inFeatures] -> [..., outFeatures]. */
export class Linear extends Module {
  readonly weight: tf.Variable;
  readonly bias?: tf.Variable;
  readonly layout: WeightLayout;
  #int8: Int8Copy | undefined;

  constructor(
    scope: Scope,
    { inFeatures, outFeatures, bias = true, layout = 'out-in', initialize }: LinearLayerOptions,
  ) {
    super();
    this.layout = layout;
    const shape = layout === 'out-in' ? [outFeatures, inFeatures] : [inFeatures, outFeatures];
    this.weight = scope.parameter('weight', shape, initialize ?? linearDefault(inFeatures));
    if (bias)
      this.bias = scope.parameter('bias', [outFeatures], initialize ? zeros : linearDefault(inFeatures));
  }

  forward(x: tf.Tensor, activation: Activation = 'none'): tf.Tensor {
    if (this.#int8?.serves(x)) return this.#int8.linear(x, this.bias, activation);
    return linear(x, this.weight, this.bias, { layout: this.layout, activation });
  }

  /** What `decoderStep` needs to do as {@link forward} does with x: the weight, or its int8 copy. */
  forStep(x: tf.Tensor): StepLinear {
    const weight = this.#int8?.serves(x) ? this.#int8.weight : this.weight;
    return { weight, layout: this.layout, ...(this.bias ? { bias: this.bias } : {}) };
  }

  /**
   * Keeps an int8 copy of the weight, which serves a few rows at a time while nothing is trained: decoding is
   * bound by reading weights. The weight itself stays, and is what is saved.
   */
  quantize(groupSize?: number): void {
    this.release();
    this.#int8 = new Int8Copy(this.weight as tf.Tensor as tf.Tensor2D, this.layout, groupSize);
  }

  protected override release(): void {
    this.#int8?.dispose();
    this.#int8 = undefined;
  }
}

/** What each of several linears gives for the same x, in one op while a tape records. */
export function forwardAll(layers: readonly Linear[], x: tf.Tensor): tf.Tensor[] {
  const joined = isRecording() && layers.every(({ layout }) => layout === 'out-in');
  return joined ? linears(x, layers) : layers.map((layer) => layer.forward(x));
}

export interface EmbeddingLayerOptions {
  vocabSize: number;
  width: number;
  paddingIndex?: number;
  /** Default: normal with standard deviation 1, as torch.nn.Embedding. */
  initialize?: Initializer;
}

/** A table of rows by id: int32 [...] -> [..., width]. */
export class Embedding extends Module {
  readonly weight: tf.Variable;
  readonly paddingIndex: number;

  constructor(
    scope: Scope,
    { vocabSize, width, paddingIndex = -1, initialize = normal(1) }: EmbeddingLayerOptions,
  ) {
    super();
    this.paddingIndex = paddingIndex;
    this.weight = scope.parameter('weight', [vocabSize, width], initialize);
  }

  forward(ids: tf.Tensor): tf.Tensor {
    return embedding(this.weight, ids, { paddingIndex: this.paddingIndex });
  }
}

/** Layer normalisation over the last axis of this width. */
export class LayerNorm extends Module {
  readonly weight: tf.Variable;
  readonly bias: tf.Variable;
  readonly epsilon: number;

  constructor(scope: Scope, { width, epsilon = 1e-5 }: { width: number; epsilon?: number }) {
    super();
    this.epsilon = epsilon;
    this.weight = scope.parameter('weight', [width], ones);
    this.bias = scope.parameter('bias', [width], zeros);
  }

  forward(x: tf.Tensor): tf.Tensor {
    return layerNorm(x, this.weight, this.bias, this.epsilon);
  }
}

/** Root-mean-square normalisation over the last axis of this width, as in T5. */
export class RmsNorm extends Module {
  readonly weight: tf.Variable;
  readonly epsilon: number;

  constructor(scope: Scope, { width, epsilon = 1e-6 }: { width: number; epsilon?: number }) {
    super();
    this.epsilon = epsilon;
    this.weight = scope.parameter('weight', [width], ones);
  }

  forward(x: tf.Tensor): tf.Tensor {
    return rmsNorm(x, this.weight, this.epsilon);
  }

  /** The sum of x and what is added, and its normalisation. */
  addForward(x: tf.Tensor, added: tf.Tensor): [sum: tf.Tensor, y: tf.Tensor] {
    return addRmsNorm(x, added, this.weight, this.epsilon);
  }
}

/** Dropout that acts only in training mode; its masks follow the shared dropout state. */
export class Dropout extends Module {
  readonly rate: number;

  constructor(rate: number) {
    super();
    this.rate = rate;
  }

  forward(x: tf.Tensor): tf.Tensor {
    return this.training && this.rate > 0 ? dropout(x, dropoutState.next(this.rate)) : x;
  }
}
