import type { TensorInfo } from '@tensorflow/tfjs';
import type { LinearAttrs } from '@weft/attention';
import type { KernelCall } from '../native/kernel.js';
import { activationKind } from './activation-kind.js';

/** Fewer rows read the weight as it lies. */
const packedRows = 9;
/** Smaller weights are packed as fast as they are found. */
const packedSize = 4096;

/** Whether a packed copy of a weight, once it is there, serves m rows better than the weight. */
export const packs = (m: number, { shape }: TensorInfo): boolean =>
  m >= packedRows && shape[0]! * shape[1]! >= packedSize;

/** y = activation(x W + bias): see the contract of the fused kernels. */
export function linear({ inputs, backend, attrs }: KernelCall<LinearAttrs>): TensorInfo {
  const { x, weight, bias } = inputs as { x: TensorInfo; weight: TensorInfo; bias?: TensorInfo };
  const transposed = attrs.layout === 'out-in';
  const n = weight.shape[transposed ? 0 : 1]!;
  const k = weight.shape[transposed ? 1 : 0]!;
  const shape = x.shape.slice();
  shape[shape.length - 1] = n;
  let m = 1;
  for (let axis = 0; axis < shape.length - 1; axis++) m *= shape[axis]!;
  const y = backend.output(shape);
  const xs = backend.floats(x);
  const biases = bias === undefined ? null : backend.floats(bias);
  const kind = activationKind(attrs.activation)!;
  if (attrs.reused && packs(m, weight)) {
    const packed = backend.packedWeight(weight, transposed);
    if (packed !== undefined) {
      backend.addon.packedLinear(m, n, k, xs, packed, y.values, biases, kind);
      return y;
    }
  }
  backend.addon.batchMatMul(
    false,
    transposed,
    1,
    m,
    n,
    k,
    xs,
    backend.floats(weight),
    y.values,
    null,
    null,
    biases,
    kind,
  );
  return y;
}
