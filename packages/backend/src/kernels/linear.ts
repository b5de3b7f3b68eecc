import type { TensorInfo } from '@tensorflow/tfjs';
import type { LinearAttrs } from '@weft/attention';
import type { KernelCall } from '../native/kernel.js';
import { activationKind } from './activation-kind.js';

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
  backend.addon.batchMatMul(
    false,
    transposed,
    1,
    m,
    n,
    k,
    backend.floats(x),
    backend.floats(weight),
    y.values,
    null,
    null,
    bias === undefined ? null : backend.floats(bias),
    activationKind(attrs.activation)!,
  );
  return y;
}
