import type { TensorInfo } from '@tensorflow/tfjs';
import type { DecoderStepAttrs } from '@weft/attention';
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

/** One new position through a decoder's blocks, written into their caches: see the contract of the fused kernels. The op checks shapes. */
export function decoderStep({ inputs, backend, attrs }: KernelCall<DecoderStepAttrs>): TensorInfo {
  const { x, keyPaddingMask, keys, values, norms, weights, biases, weightScales } =
    inputs as unknown as Tensors;
  const [rows, , width] = x.shape as [number, number, number];
  const { groupSizes } = attrs;
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
    keys[0]!.shape[1]!,
    attrs.position,
    attrs.epsilon,
    activationKind(attrs.activation)!,
  );
  return y;
}
