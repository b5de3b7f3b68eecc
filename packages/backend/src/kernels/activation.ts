import type { TensorInfo } from '@tensorflow/tfjs';
import type { ActivationAttrs } from '@weft/attention';
import type { KernelCall } from '../native/kernel.js';
import { activationKind } from './activation-kind.js';
import { sizeOf } from './sizes.js';

export function activation({ inputs, backend, attrs }: KernelCall<ActivationAttrs>): TensorInfo {
  const x = inputs.x!;
  const y = backend.output(x.shape);
  backend.addon.activation(backend.floats(x), y.values, sizeOf(x.shape), activationKind(attrs.activation)!);
  return y;
}

export function activationGrad({ inputs, backend, attrs }: KernelCall<ActivationAttrs>): TensorInfo {
  const { x, dy } = inputs as { x: TensorInfo; dy: TensorInfo };
  const dx = backend.output(x.shape);
  const kind = activationKind(attrs.activation)!;
  backend.addon.activationGradient(backend.floats(x), backend.floats(dy), dx.values, sizeOf(x.shape), kind);
  return dx;
}
