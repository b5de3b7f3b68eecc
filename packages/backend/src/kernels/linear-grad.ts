import type { TensorInfo } from '@tensorflow/tfjs';
import type { LinearGradAttrs } from '@weft/attention';
import type { KernelCall } from '../native/kernel.js';

/** How many rows a tensor has, and their width. */
export function sizesOf({ shape }: TensorInfo): [rows: number, width: number] {
  let rows = 1;
  for (let axis = 0; axis < shape.length - 1; axis++) rows *= shape[axis]!;
  return [rows, shape.at(-1)!];
}

/** dx of a linear: see the contract of the fused kernels. */
export function linearInputGrad({ inputs, backend, attrs }: KernelCall<LinearGradAttrs>): TensorInfo {
  const { dy, weight } = inputs as { dy: TensorInfo; weight: TensorInfo };
  const [rows, n] = sizesOf(dy);
  const inOut = attrs.layout === 'in-out';
  const k = weight.shape[inOut ? 0 : 1]!;
  const dx = backend.output([...dy.shape.slice(0, -1), k]);
  const [from, by] = [backend.floats(dy), backend.floats(weight)];
  backend.addon.batchMatMul(false, inOut, 1, rows, k, n, from, by, dx.values, null, null, null, 0);
  return dx;
}

/** dweight of a linear: see the contract of the fused kernels. */
export function linearWeightGrad({ inputs, backend, attrs }: KernelCall<LinearGradAttrs>): TensorInfo {
  const { dy, x } = inputs as { dy: TensorInfo; x: TensorInfo };
  const [rows, n] = sizesOf(dy);
  const [, k] = sizesOf(x);
  const outIn = attrs.layout === 'out-in';
  const [a, b] = outIn ? [dy, x] : [x, dy];
  const [height, width] = outIn ? [n, k] : [k, n];
  const dweight = backend.output([height, width]);
  const [left, right] = [backend.floats(a), backend.floats(b)];
  backend.addon.batchMatMul(
    true,
    false,
    1,
    height,
    width,
    rows,
    left,
    right,
    dweight.values,
    null,
    null,
    null,
    0,
  );
  return dweight;
}
