import tf = require('@tensorflow/tfjs');

import { hasKernel, runFused } from './dispatch.js';
import { ACCUMULATE, ADAMW, type AdamWAttrs, GLOBAL_NORM } from './kernels.js';

/** What one AdamW step works on; the four lists are numbered alike. */
export interface AdamWState {
  parameters: readonly tf.Variable[];
  gradients: readonly tf.Tensor[];
  /** First moments. */
  means: readonly tf.Variable[];
  /** Second moments. */
  variances: readonly tf.Variable[];
}

/**
 * One AdamW step over all parameters, in place (Loshchilov and Hutter, 2019; as torch.optim.AdamW): decoupled
 * decay, bias-corrected moments. Rates and decays are given per parameter.
 *
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { adamW } from '@weft/attention';
 *
 * const [p, m, v] = [tf.variable(tf.ones([1])), tf.variable(tf.zeros([1])), tf.variable(tf.zeros([1]))];
 * adamW(
 *   { parameters: [p], gradients: [tf.ones([1])], means: [m], variances: [v] },
 *   { learningRate: [0.1], weightDecay: [0], beta1: 0.9, beta2: 0.999, epsilon: 1e-8, step: 1, gradientScale: 1 },
 * );
 * console.assert(Math.abs(p.dataSync()[0] - 0.9) < 1e-6);
 * ```
 */
export function adamW({ parameters, gradients, means, variances }: AdamWState, attrs: AdamWAttrs): void {
  if (hasKernel(ADAMW)) {
    tf.dispose(
      runFused(
        ADAMW,
        {
          ...numbered('parameter', parameters),
          ...numbered('gradient', gradients),
          ...numbered('mean', means),
          ...numbered('variance', variances),
        },
        attrs,
      ),
    );
    return;
  }
  const { learningRate, weightDecay, beta1, beta2, epsilon, step, gradientScale } = attrs;
  const correction1 = 1 - beta1 ** step;
  const rootCorrection2 = Math.sqrt(1 - beta2 ** step);
  tf.tidy(() => {
    for (let i = 0; i < parameters.length; i++) {
      const [p, m, v, rate] = [parameters[i]!, means[i]!, variances[i]!, learningRate[i]!];
      const g = tf.mul(gradients[i]!, gradientScale);
      m.assign(tf.add(tf.mul(m, beta1), tf.mul(g, 1 - beta1)));
      v.assign(tf.add(tf.mul(v, beta2), tf.mul(tf.square(g), 1 - beta2)));
      const denominator = tf.add(tf.div(tf.sqrt(v), rootCorrection2), epsilon);
      const decayed = tf.mul(p, 1 - rate * weightDecay[i]!);
      p.assign(tf.sub(decayed, tf.mul(tf.div(m, denominator), rate / correction1)));
    }
  });
}

/** The Euclidean norm of all gradients together, a scalar. */
export function globalNorm(gradients: readonly tf.Tensor[]): tf.Scalar {
  if (hasKernel(GLOBAL_NORM))
    return runFused(GLOBAL_NORM, numbered('gradient', gradients), {})[0] as tf.Scalar;
  return tf.tidy(() => {
    const squares = gradients.map((gradient) => tf.sum(tf.square(gradient)));
    return tf.sqrt(tf.addN(squares)) as tf.Scalar;
  });
}

/**
 * What to multiply gradients by so that their norm is at most `maxNorm`, as torch.nn.utils.clip_grad_norm_:
 * min(1, maxNorm / (norm + 1e-6)).
 */
export function clipScale(norm: number, maxNorm: number): number {
  return Math.min(1, maxNorm / (norm + 1e-6));
}

/** sums[i] += addends[i], in place. */
export function accumulate(sums: readonly tf.Variable[], addends: readonly tf.Tensor[]): void {
  if (hasKernel(ACCUMULATE)) {
    tf.dispose(runFused(ACCUMULATE, { ...numbered('sum', sums), ...numbered('addend', addends) }, {}));
    return;
  }
  tf.tidy(() => {
    for (let i = 0; i < sums.length; i++) sums[i]!.assign(tf.add(sums[i]!, addends[i]!));
  });
}

function numbered(name: string, tensors: readonly tf.Tensor[]): Record<string, tf.Tensor> {
  const named: Record<string, tf.Tensor> = {};
  for (let i = 0; i < tensors.length; i++) named[`${name}${i}`] = tensors[i]!;
  return named;
}
