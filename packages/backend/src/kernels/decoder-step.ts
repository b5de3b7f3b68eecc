import type { TensorInfo } from '@tensorflow/tfjs';
import type { DecoderStepAttrs } from '@weft/attention';
import { InputError } from '@weft/errors';
import type { KernelCall } from '../native/kernel.js';
import { activationKind } from './activation-kind.js';
import { paddingOf } from './attention.js';

interface Tensors {
  x: TensorInfo;
  keyPaddingMask?: TensorInfo;
  keys: TensorInfo[];
  values: TensorInfo[];
  norms: TensorInfo[];
  weights: TensorInfo[];
  biases: TensorInfo[];
  weightScales: TensorInfo[];
}

/** One new position through a decoder's blocks, written into their caches: see the contract of the fused kernels. */
export function decoderStep({ inputs, backend, attrs }: KernelCall<DecoderStepAttrs>): TensorInfo {
  const { x, keyPaddingMask, keys, values, norms, weights, biases, weightScales } =
    inputs as unknown as Tensors;
  const [rows, , width] = x.shape as [number, number, number];
  const [held, capacity] = keys[0]!.shape as [number, number];
  const { position, groupSizes } = attrs;
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
  backend.addon.decoderStep(
    backend.floats(x),
    keys.map((tensor) => backend.writable(tensor)),
    values.map((tensor) => backend.writable(tensor)),
    paddingOf(backend, keyPaddingMask),
    y.values,
    floats(norms),
    floats(weightScales),
    floats(biases),
    weights.map((tensor, i) => (groupSizes[i]! > 0 ? backend.ints(tensor) : null)),
    Int32Array.from(groupSizes),
    Float32Array.from(attrs.scales),
    rows,
    width,
    biases[2]!.shape[0]!,
    attrs.numHeads,
    capacity,
    position,
    attrs.epsilon,
    activationKind(attrs.activation)!,
  );
  return y;
}
