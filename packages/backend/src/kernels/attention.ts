import type { TensorInfo } from '@tensorflow/tfjs';
import type { AttentionAttrs } from '@weft/attention';
import type { AttentionNumbers } from '../addon/kernel-functions.js';
import type { KernelCall } from '../native/kernel.js';
import type { NativeBackend } from '../native/native-backend.js';

interface Tensors {
  query: TensorInfo;
  key: TensorInfo;
  value: TensorInfo;
  keyPaddingMask?: TensorInfo;
  bias?: TensorInfo;
}

function numbersOf({ query, key, value, bias }: Tensors, attrs: AttentionAttrs): AttentionNumbers {
  const [batch, queries, width] = query.shape as [number, number, number];
  const { rate, seed, offset } = attrs.dropout;
  return [
    batch,
    queries,
    key.shape[1]!,
    attrs.keyLength,
    attrs.numHeads,
    attrs.numKeyHeads,
    width / attrs.numHeads,
    value.shape[2]! / attrs.numKeyHeads,
    bias?.shape[0] ?? 1,
    bias?.shape[1] ?? 1,
    attrs.scale,
    attrs.causal,
    rate,
    seed,
    offset,
  ];
}

/** The mask as floats: masks may come as integers. */
function paddingOf(backend: NativeBackend, mask: TensorInfo | undefined): Float32Array | null {
  if (mask == null) return null;
  const values = backend.valuesOf(mask);
  return values instanceof Float32Array ? values : new Float32Array(values);
}

/** [y, logSumExp] */
export function attention({ inputs, backend, attrs }: KernelCall<AttentionAttrs>): TensorInfo[] {
  const tensors = inputs as unknown as Tensors;
  const { query, key, value, keyPaddingMask, bias } = tensors;
  const numbers = numbersOf(tensors, attrs);
  const [batch, queries] = numbers;
  const y = backend.output([batch, queries, (value.shape[2]! / attrs.numKeyHeads) * attrs.numHeads]);
  const logSumExp = backend.output([batch, attrs.numHeads, queries]);
  backend.addon.attention(
    backend.floats(query),
    backend.floats(key),
    backend.floats(value),
    paddingOf(backend, keyPaddingMask),
    bias == null ? null : backend.floats(bias),
    y.values,
    logSumExp.values,
    ...numbers,
  );
  return [y, logSumExp];
}

/** [dquery, dkey, dvalue, dbias?] */
export function attentionGrad({ inputs, backend, attrs }: KernelCall<AttentionAttrs>): TensorInfo[] {
  const tensors = inputs as unknown as Tensors & { dy: TensorInfo; y: TensorInfo; logSumExp: TensorInfo };
  const { dy, query, key, value, y, logSumExp, keyPaddingMask, bias } = tensors;
  const gradients = [query, key, value, ...(bias == null ? [] : [bias])].map(({ shape }) =>
    backend.output(shape),
  );
  const [dquery, dkey, dvalue, dbias] = gradients;
  backend.addon.attentionGradient(
    backend.floats(dy),
    backend.floats(query),
    backend.floats(key),
    backend.floats(value),
    backend.floats(y),
    backend.floats(logSumExp),
    paddingOf(backend, keyPaddingMask),
    bias == null ? null : backend.floats(bias),
    dquery!.values,
    dkey!.values,
    dvalue!.values,
    dbias?.values ?? null,
    ...numbersOf(tensors, attrs),
  );
  return gradients;
}
