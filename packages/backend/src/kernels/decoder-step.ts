import type { TensorInfo } from '@tensorflow/tfjs';
import type { DecoderStepAttrs } from '@weft/attention';
import type { KernelCall } from '../native/kernel.js';
import { activationKind } from './activation-kind.js';
import { paddingOf } from './attention.js';
import { noSuchRow } from './beam-search.js';
import { packs } from './linear.js';

type Tensors = Record<'keys' | 'values' | 'memoryKeys' | 'memoryValues', TensorInfo[]> &
  Record<'norms' | 'weights' | 'weightScales' | 'biases', (TensorInfo | undefined)[]> & {
    x: TensorInfo;
    keyPaddingMask?: TensorInfo;
    memoryPaddingMask?: TensorInfo;
    positionBias?: TensorInfo;
    rows?: TensorInfo;
  };

/** How the C++ side finds a weight: a group's size where it is int8. */
const [inOut, outIn, packed] = [0, -1, -2];
/** One new position through a decoder's blocks, written into their caches: see the contract of the fused kernels. The op checks shapes. */
export function decoderStep({ inputs, backend, attrs }: KernelCall<DecoderStepAttrs>): TensorInfo {
  const { x, keyPaddingMask, memoryPaddingMask, positionBias, rows, keys, values, ...lists } =
    inputs as unknown as Tensors;
  const [batch, , width] = x.shape as [number, number, number];
  const { weights, weightScales, biases } = lists;
  const { layouts, position } = attrs;
  const stored = new Int32Array(weights.length);
  const floats = weights.map((weight, i) => {
    if (weight === undefined) return null;
    const scales = weightScales[i];
    if (scales) {
      stored[i] = (4 * weight.shape[1]!) / scales.shape[1]!;
      return backend.floats(scales);
    }
    const isOutIn = layouts[i] === 'out-in';
    const copy = packs(batch, weight) ? backend.packedWeight(weight, isOutIn) : undefined;
    stored[i] = copy ? packed : isOutIn ? outIn : inOut;
    return copy ?? backend.floats(weight);
  });
  const [held, capacity, attention] = keys[0]!.shape as [number, number, number];
  const memory = lists.memoryKeys[0]?.shape ?? [1, 0];
  const y = backend.output(x.shape);
  const optional = (tensor: TensorInfo | undefined): Float32Array | null =>
    tensor ? backend.floats(tensor) : null;
  const wrong = backend.addon.decoderStep(
    Int32Array.of(
      batch,
      width,
      attention,
      attrs.inner,
      attrs.numHeads,
      held,
      capacity,
      position,
      memory[0]!,
      memory[1]!,
    ),
    backend.floats(x),
    y.values,
    keys.map((tensor) => backend.writable(tensor)),
    values.map((tensor) => backend.writable(tensor)),
    lists.memoryKeys.map((tensor) => backend.floats(tensor)),
    lists.memoryValues.map((tensor) => backend.floats(tensor)),
    paddingOf(backend, keyPaddingMask),
    paddingOf(backend, memoryPaddingMask),
    optional(positionBias),
    rows ? backend.ints(rows) : null,
    lists.norms.map(optional),
    floats,
    biases.map(optional),
    weights.map((weight, i) => (stored[i]! > 0 ? backend.ints(weight!) : null)),
    stored,
    Float32Array.from(attrs.scales),
    attrs.epsilon,
    activationKind(attrs.activation)!,
  );
  if (wrong < 0) return y;
  throw noSuchRow('decoderStep', backend.ints(rows!), wrong, held);
}
