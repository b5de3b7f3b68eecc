import type { TensorInfo } from '@tensorflow/tfjs';

import tf = require('@tensorflow/tfjs');

import { type KernelCall, runOnCpu } from '../native/kernel.js';
import { activationKind } from './activation-kind.js';

interface MatMulAttrs {
  transposeA: boolean;
  transposeB: boolean;
}

interface FusedMatMulAttrs extends MatMulAttrs {
  activation: string | null;
  leakyreluAlpha: number;
}

/** in: a [..., M, K] or [..., K, M], b [..., K, N] or [..., N, K]; the leading axes broadcast. */
export function batchMatMul(call: KernelCall<MatMulAttrs>): TensorInfo | TensorInfo[] {
  const { a, b } = call.inputs as { a: TensorInfo; b: TensorInfo };
  if (a.dtype !== 'float32' || b.dtype !== 'float32') return runOnCpu('BatchMatMul', call);
  return multiply(call, a, b, null, 0);
}

/** The same with a bias [N] and an activation; other fusions of tfjs run on the cpu kernel. */
export function fusedMatMul(call: KernelCall<FusedMatMulAttrs>): TensorInfo | TensorInfo[] {
  const { a, b, bias } = call.inputs as { a: TensorInfo; b: TensorInfo; bias?: TensorInfo };
  const kind = activationKind(call.attrs.activation);
  const columns = b.shape.at(call.attrs.transposeB ? -2 : -1)!;
  const biasFits =
    bias == null || (bias.dtype === 'float32' && bias.shape.at(-1) === columns && sizeOf(bias) === columns);
  if (a.dtype !== 'float32' || b.dtype !== 'float32' || kind === undefined || !biasFits) {
    return runOnCpu('_FusedMatMul', call);
  }
  return multiply(call, a, b, bias == null ? null : call.backend.floats(bias), kind);
}

function sizeOf(tensor: TensorInfo): number {
  return tf.util.sizeFromShape(tensor.shape);
}

function multiply(
  { backend, attrs }: KernelCall<MatMulAttrs>,
  a: TensorInfo,
  b: TensorInfo,
  bias: Float32Array | null,
  activation: number,
): TensorInfo {
  const { transposeA, transposeB } = attrs;
  const m = a.shape.at(transposeA ? -1 : -2)!;
  const k = a.shape.at(transposeA ? -2 : -1)!;
  const n = b.shape.at(transposeB ? -2 : -1)!;
  const inner = b.shape.at(transposeB ? -1 : -2)!;
  tf.util.assert(
    k === inner,
    () =>
      `Error in matMul: inner shapes (${k}) and (${inner}) of Tensors with shapes ${a.shape} and ${b.shape} and ` +
      `transposeA=${transposeA} and transposeB=${transposeB} must match.`,
  );
  const outerA = a.shape.slice(0, -2);
  const outerB = b.shape.slice(0, -2);
  const outer = tf.backend_util.assertAndGetBroadcastShape(outerA, outerB);
  const batch = tf.util.sizeFromShape(outer);
  const same = sizeOfShape(outerA) === batch && sizeOfShape(outerB) === batch;
  const y = backend.output([...outer, m, n]);
  backend.addon.batchMatMul(
    transposeA,
    transposeB,
    batch,
    m,
    n,
    k,
    backend.floats(a),
    backend.floats(b),
    y.values,
    same ? null : broadcastIndex(outerA, outer, batch),
    same ? null : broadcastIndex(outerB, outer, batch),
    bias,
    activation,
  );
  return y;
}

const sizeOfShape = (shape: number[]): number => tf.util.sizeFromShape(shape);

/** Which matrix of an input belongs to each matrix of the result. */
function broadcastIndex(from: number[], to: number[], batch: number): Int32Array {
  const index = new Int32Array(batch);
  const strides = tf.util.computeStrides([...from, 1]);
  const missing = to.length - from.length;
  for (let item = 0; item < batch; item++) {
    let rest = item;
    let position = 0;
    for (let axis = to.length - 1; axis >= 0; axis--) {
      const place = rest % to[axis]!;
      rest = Math.floor(rest / to[axis]!);
      if (axis >= missing && from[axis - missing] !== 1) position += place * strides[axis - missing]!;
    }
    index[item] = position;
  }
  return index;
}
