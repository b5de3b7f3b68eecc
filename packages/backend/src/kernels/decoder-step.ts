import type { TensorInfo } from '@tensorflow/tfjs';
import type { DecoderStepAttrs } from '@weft/attention';
import { InputError } from '@weft/errors';
import type { KernelCall } from '../native/kernel.js';
import { activationKind } from './activation-kind.js';
import { paddingOf } from './attention.js';

interface Tensors {
  x: TensorInfo;
  key: TensorInfo;
  value: TensorInfo;
  keyPaddingMask?: TensorInfo;
  norms: TensorInfo[];
  weights: TensorInfo[];
  biases: TensorInfo[];
  scales?: TensorInfo[];
}

/** One new position through a decoder block, in place in its cache: see the contract of the fused kernels. */
export function decoderStep({ inputs, backend, attrs }: KernelCall<DecoderStepAttrs>): TensorInfo {
  const { x, key, value, keyPaddingMask, norms, weights, biases, scales } = inputs as unknown as Tensors;
  const [rows, , width] = x.shape as [number, number, number];
  const [held, capacity] = key.shape as [number, number];
  const { position } = attrs;
  if (rows > held || position < 0 || position >= capacity) {
    throw new InputError({
      operation: 'decoderStep',
      expected: `at most ${held} rows and a position within the cache's capacity of ${capacity}`,
      received: `${rows} rows, position ${position}`,
      remedy: 'make room in the cache first',
    });
  }
  const y = backend.output(x.shape);
  const floats = (tensors: TensorInfo[]): Float32Array[] => tensors.map((tensor) => backend.floats(tensor));
  const quantized = scales ? weights.map((weight) => backend.ints(weight)) : [null, null, null, null];
  backend.addon.decoderStep(
    backend.floats(x),
    backend.writable(key),
    backend.writable(value),
    paddingOf(backend, keyPaddingMask),
    y.values,
    floats(norms),
    floats(scales ?? weights),
    floats(biases),
    quantized[0]!,
    quantized[1]!,
    quantized[2]!,
    quantized[3]!,
    rows,
    width,
    biases[2]!.shape[0]!,
    attrs.numHeads,
    capacity,
    position,
    attrs.groupSize,
    attrs.scale,
    attrs.epsilon,
    activationKind(attrs.activation)!,
  );
  return y;
}
