import tf = require('@tensorflow/tfjs');

import { asMatrix, checkShape } from './check.js';
import { hasKernel, isRecording, runFused } from './dispatch.js';
import {
  LINEAR_WEIGHT_GRAD,
  LINEARS,
  LINEARS_INPUT_GRAD,
  type LinearGradAttrs,
  type LinearsAttrs,
} from './kernels.js';
import { linear } from './linear.js';

/** Parameters of a linear whose weight is stored [N, K]. */
export interface LinearParameters {
  weight: tf.Tensor;
  /** [N]; all linears have one, or none */
  bias?: tf.Tensor;
}

/**
 * Several linears of the same x, as queries, keys and values are: each x W^T + bias. Their gradients of x are summed on the
 * way, where one by one each would be made and added to the next.
 *
 * @param x [..., K]
 * @returns one [..., N] a linear
 * @throws ShapeError when the sizes do not fit together
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { linears } from '@weft/attention';
 *
 * const [query, key] = linears(tf.ones([1, 2]), [{ weight: tf.ones([3, 2]) }, { weight: tf.zeros([1, 2]) }]);
 * console.assert(query!.dataSync().join() === '2,2,2' && key!.dataSync()[0] === 0);
 * ```
 */
export function linears(x: tf.Tensor, parameters: readonly LinearParameters[]): tf.Tensor[] {
  const biases = parameters.flatMap(({ bias }) => bias ?? []);
  const alike = biases.length === 0 || biases.length === parameters.length;
  if (!(isRecording() && hasKernel(LINEARS) && alike && parameters.length > 0)) {
    return parameters.map(({ weight, bias }) => linear(x, weight, bias));
  }
  const inner = x.shape.at(-1)!;
  for (const { weight, bias } of parameters) {
    checkShape('linears', 'weight', weight, ['out', inner]);
    if (bias) checkShape('linears', 'bias', bias, [weight.shape[0]!]);
  }
  const attrs: LinearsAttrs = { count: parameters.length };
  return runListed(LINEARS, [x, ...parameters.map(({ weight }) => weight), ...biases], attrs);
}

/** A kernel whose inputs are a list. */
function runListed(name: string, inputs: tf.Tensor[], attrs: object): tf.Tensor[] {
  const outputs: unknown = tf
    .engine()
    .runKernel(name, inputs as unknown as tf.NamedTensorMap, attrs as tf.NamedAttrMap);
  return outputs as tf.Tensor[];
}

tf.registerGradient({
  kernelName: LINEARS,
  saveAllInputs: true,
  gradFunc: (given, saved, named) => {
    const dys = given as tf.Tensor[];
    const { count } = named as unknown as LinearsAttrs;
    const [x, ...rest] = saved as tf.Tensor[];
    const weights = rest.slice(0, count);
    const attrs: LinearGradAttrs = { layout: 'out-in' };
    const gradients: (() => tf.Tensor)[] = [
      () => runListed(LINEARS_INPUT_GRAD, [...dys, ...weights], { count } satisfies LinearsAttrs)[0]!,
      ...dys.map((dy) => () => runFused(LINEAR_WEIGHT_GRAD, { dy, x }, attrs)[0]!),
      ...dys.map((dy) => () => tf.sum(asMatrix(dy), 0)),
    ];
    return Object.fromEntries(gradients.slice(0, saved.length).map((gradient, i) => [i, gradient]));
  },
});
