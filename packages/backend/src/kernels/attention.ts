import type { TensorInfo } from '@tensorflow/tfjs';
import type { AttentionAttrs } from '@weft/attention';
import { ShapeError } from '@weft/errors';
import type { AttentionNumbers } from '../addon/kernel-functions.js';
import type { KernelCall } from '../native/kernel.js';
import type { NativeBackend } from '../native/native-backend.js';
import { sameShape } from './sizes.js';

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

/** What the C++ side reads must be there. */
function checkShapes({ query, key, value, keyPaddingMask, bias }: Tensors, attrs: AttentionAttrs): void {
  const [batch, queries, width] = query.shape as [number, number, number];
  const { numHeads, numKeyHeads, keyLength } = attrs;
  const capacity = key.shape[1]!;
  expectShape('key', key, [batch, Math.max(capacity, keyLength), (width / numHeads) * numKeyHeads]);
  const valueWidth = value.shape[2]!;
  expectShape('value', value, [batch, capacity, valueWidth - (valueWidth % numKeyHeads)]);
  if (keyPaddingMask != null) expectShape('keyPaddingMask', keyPaddingMask, [batch, keyLength]);
  if (bias == null) return;
  const [planes, heads] = bias.shape as [number, number];
  expectShape('bias', bias, [planes === 1 ? 1 : batch, heads === 1 ? 1 : numHeads, queries, keyLength]);
}

function expectShape(tensor: string, { shape }: TensorInfo, expected: number[]): void {
  if (sameShape(shape, expected)) return;
  throw new ShapeError({
    operation: 'scaledDotProductAttention',
    tensor,
    expectedShape: expected,
    receivedShape: shape,
    remedy: 'check the sizes of batch, heads, queries and keys against each other',
  });
}

/** The mask as floats: masks may come as integers. */
export function paddingOf(backend: NativeBackend, mask: TensorInfo | undefined): Float32Array | null {
  if (mask == null) return null;
  const values = backend.valuesOf(mask);
  return values instanceof Float32Array ? values : new Float32Array(values);
}

/** [y, logSumExp] */
export function attention({ inputs, backend, attrs }: KernelCall<AttentionAttrs>): TensorInfo[] {
  const tensors = inputs as unknown as Tensors;
  const { query, key, value, keyPaddingMask, bias } = tensors;
  checkShapes(tensors, attrs);
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
  checkShapes(tensors, attrs);
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
