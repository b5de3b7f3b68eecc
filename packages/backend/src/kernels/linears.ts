import type { TensorInfo } from '@tensorflow/tfjs';
import type { LinearAttrs, LinearsAttrs } from '@weft/attention';
import type { KernelCall } from '../native/kernel.js';
import { linear } from './linear.js';
import { sizesOf } from './linear-grad.js';

/** Several linears of the same x: see the contract of the fused kernels. */
export function linears({ inputs, backend, attrs }: KernelCall<LinearsAttrs>): TensorInfo[] {
  const [x, ...parameters] = inputs as unknown as TensorInfo[];
  const own: LinearAttrs = { layout: 'out-in', activation: 'none', reused: false };
  return parameters.slice(0, attrs.count).map((weight, i) => {
    const bias = parameters[attrs.count + i];
    return linear({ inputs: { x: x!, weight, ...(bias ? { bias } : {}) }, backend, attrs: own });
  });
}

/** The sum of the gradients of x. */
export function linearsInputGrad({ inputs, backend, attrs }: KernelCall<LinearsAttrs>): TensorInfo[] {
  const given = inputs as unknown as TensorInfo[];
  const dys = given.slice(0, attrs.count);
  const k = given[attrs.count]!.shape[1]!;
  const dx = backend.output([...dys[0]!.shape.slice(0, -1), k]);
  for (const [i, dy] of dys.entries()) {
    const [rows, n] = sizesOf(dy);
    const [from, by] = [backend.floats(dy), backend.floats(given[attrs.count + i]!)];
    backend.addon.sgemm(false, false, rows, k, n, from, n, by, k, dx.values, k, null, 0, i > 0);
  }
  return [dx];
}
