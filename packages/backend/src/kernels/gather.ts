import type { TensorInfo } from '@tensorflow/tfjs';

import tf = require('@tensorflow/tfjs');

import type { EmbeddingGradAttrs } from '@weft/attention';
import { InputError } from '@weft/errors';
import { type KernelCall, runOnCpu } from '../native/kernel.js';
import { sizeOf } from './sizes.js';

/** Rows of an axis by their places; batches of places run on the cpu kernel. */
export function gatherV2(call: KernelCall<{ axis: number; batchDims: number }>): TensorInfo | TensorInfo[] {
  const { backend, attrs } = call;
  const { x, indices } = call.inputs as { x: TensorInfo; indices: TensorInfo };
  if (x.dtype !== 'float32' || indices.dtype !== 'int32' || attrs.batchDims)
    return runOnCpu('GatherV2', call);
  const axis = tf.util.parseAxisParam(attrs.axis, x.shape)[0]!;
  const { outputShape } = tf.backend_util.segment_util.collectGatherOpShapeInfo(
    x as never,
    indices as never,
    axis,
    0,
  );
  const size = x.shape[axis]!;
  const ids = backend.ints(indices);
  const y = backend.output(outputShape);
  const outer = sizeOf(x.shape.slice(0, axis));
  const width = sizeOf(x.shape.slice(axis + 1));
  const bad = backend.addon.gather(backend.floats(x), ids, y.values, outer, size, width, ids.length);
  if (bad >= 0) {
    backend.disposeData(y.dataId);
    throw new Error(`GatherV2: the index value ${ids[bad]} is not in [0, ${size - 1}]`);
  }
  return y;
}

export function embedding({ inputs, backend }: KernelCall): TensorInfo {
  const { weight, ids } = inputs as { weight: TensorInfo; ids: TensorInfo };
  const [size, width] = weight.shape as [number, number];
  const places = backend.ints(ids);
  const y = backend.output([...ids.shape, width]);
  const bad = backend.addon.gather(
    backend.floats(weight),
    places,
    y.values,
    1,
    size,
    width,
    sizeOf(ids.shape),
  );
  if (bad >= 0) {
    backend.disposeData(y.dataId);
    throw outside(size, places, bad);
  }
  return y;
}

export function embeddingGrad({ inputs, backend, attrs }: KernelCall<EmbeddingGradAttrs>): TensorInfo {
  const { ids, dy } = inputs as { ids: TensorInfo; dy: TensorInfo };
  const width = dy.shape.at(-1)!;
  const places = backend.ints(ids);
  const dweight = backend.output([attrs.vocabSize, width]);
  const bad = backend.addon.embeddingGradient(
    places,
    backend.floats(dy),
    dweight.values,
    attrs.vocabSize,
    width,
    sizeOf(ids.shape),
    attrs.paddingIndex,
  );
  if (bad >= 0) {
    backend.disposeData(dweight.dataId);
    throw outside(attrs.vocabSize, places, bad);
  }
  return dweight;
}

function outside(size: number, ids: Int32Array, place: number): InputError {
  return new InputError({
    operation: 'embedding',
    expected: `ids from 0 to ${size - 1}`,
    received: `${ids[place]} at position ${place}`,
    remedy: 'use the tokenizer that belongs to the model, or resize its embeddings',
  });
}
