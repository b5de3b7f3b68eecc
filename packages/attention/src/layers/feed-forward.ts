import tf = require('@tensorflow/tfjs');

import type { Initializer } from '../module/initializers.js';
import { Module } from '../module/module.js';
import type { Scope } from '../module/scope.js';
import type { Activation } from '../ops/kernels.js';
import { Dropout, Linear } from './basic.js';

export interface FeedForwardOptions {
  width: number;
  /** Default: 4 * width. */
  innerWidth?: number;
  /** Default: relu. */
  activation?: Activation;
  /** activation(linear1 x) * (linear_gate x) before the last layer, as in T5 1.1. Default: false. */
  gated?: boolean;
  bias?: boolean;
  /** Rate of dropout between the two layers. Default: 0. */
  dropout?: number;
  initialize?: Initializer;
}

/** Two linear layers with an activation between them, position by position: [..., width] -> [..., width]. */
export class FeedForward extends Module {
  readonly linear1: Linear;
  readonly linear_gate?: Linear;
  readonly linear2: Linear;
  readonly dropout: Dropout;
  readonly activation: Activation;

  constructor(scope: Scope, options: FeedForwardOptions) {
    super();
    const { width, innerWidth = 4 * width, activation = 'relu', gated = false, dropout = 0 } = options;
    const { bias = true, initialize } = options;
    const common = { bias, ...(initialize ? { initialize } : {}) };
    const widen = { inFeatures: width, outFeatures: innerWidth, ...common };
    this.activation = activation;
    this.linear1 = new Linear(scope.child('linear1'), widen);
    if (gated) this.linear_gate = new Linear(scope.child('linear_gate'), widen);
    this.linear2 = new Linear(scope.child('linear2'), {
      inFeatures: innerWidth,
      outFeatures: width,
      ...common,
    });
    this.dropout = new Dropout(dropout);
  }

  forward(x: tf.Tensor): tf.Tensor {
    return tf.tidy(() => {
      let inner = this.linear1.forward(x, this.activation); // [..., innerWidth]
      if (this.linear_gate) inner = tf.mul(inner, this.linear_gate.forward(x));
      return this.linear2.forward(this.dropout.forward(inner)); // [..., width]
    });
  }
}
