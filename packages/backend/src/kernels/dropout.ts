import type { TensorInfo } from '@tensorflow/tfjs';
import type { DropoutAttrs } from '@weft/attention';
import type { KernelCall } from '../native/kernel.js';
import { sizeOf } from './sizes.js';

export function dropout({ inputs, backend, attrs }: KernelCall<DropoutAttrs>): TensorInfo {
  const x = inputs.x!;
  const y = backend.output(x.shape);
  const { rate, seed, offset } = attrs;
  backend.addon.dropout(backend.floats(x), y.values, sizeOf(x.shape), rate, seed, offset);
  return y;
}
