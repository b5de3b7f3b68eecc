import tf = require('@tensorflow/tfjs');

import { InputError } from '@weft/errors';
import { hasKernel, registerFusedGradient, runFused } from './dispatch.js';
import { EMBEDDING, EMBEDDING_GRAD, type EmbeddingGradAttrs } from './kernels.js';

export interface EmbeddingOptions {
  /** The row with this id gets no gradient, as PyTorch's padding_idx. */
  paddingIndex?: number;
}

/**
 * Rows of a table, by id. The gradient is a scatter-add.
 *
 * @param weight [V, E]
 * @param ids int32 [...]
 * @returns [..., E]
 * @throws InputError when an id is not in [0, V)
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { embedding } from '@weft/attention';
 *
 * const rows = embedding(tf.tensor2d([[1], [2], [3]]), tf.tensor1d([2, 0], 'int32'));
 * console.assert(rows.dataSync().join() === '3,1');
 * ```
 */
export function embedding(
  weight: tf.Tensor,
  ids: tf.Tensor,
  { paddingIndex = -1 }: EmbeddingOptions = {},
): tf.Tensor {
  const vocabSize = weight.shape[0]!;
  checkIds(ids, vocabSize);
  if (hasKernel(EMBEDDING)) {
    const attrs: EmbeddingGradAttrs = { vocabSize, paddingIndex };
    return runFused(EMBEDDING, { weight, ids }, attrs)[0]!;
  }
  const lookUp = tf.customGrad((table, save) => {
    (save as tf.GradSaveFunc)([ids]);
    return {
      value: tf.gather(table as tf.Tensor, ids as tf.Tensor1D),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => scatterAdd(saved[0]!, dy, vocabSize, paddingIndex),
    };
  });
  return lookUp(weight);
}

function checkIds(ids: tf.Tensor, vocabSize: number): void {
  const values = ids.dataSync();
  for (let i = 0; i < values.length; i++) {
    const id = values[i]!;
    if (id >= 0 && id < vocabSize) continue;
    throw new InputError({
      operation: 'embedding',
      expected: `ids from 0 to ${vocabSize - 1}`,
      received: `${id} at position ${i}`,
      remedy: 'use the tokenizer that belongs to the model, or resize its embeddings',
    });
  }
}

// tfjs's own gradient of a gather loops over the vocabulary on cpu and is missing on wasm; scatterND adds up
// repeated ids on every backend.
function scatterAdd(ids: tf.Tensor, dy: tf.Tensor, vocabSize: number, paddingIndex: number): tf.Tensor {
  return tf.tidy(() => {
    const width = dy.shape.at(-1)!;
    const flat = ids.reshape([-1, 1]);
    let rows: tf.Tensor = dy.reshape([-1, width]);
    if (paddingIndex >= 0) rows = tf.mul(rows, tf.cast(tf.notEqual(flat, paddingIndex), 'float32'));
    return tf.scatterND(flat, rows, [vocabSize, width]);
  });
}

registerFusedGradient<EmbeddingGradAttrs>(EMBEDDING, { inputs: ['ids'] }, (dy, [ids], attrs) => ({
  weight: () => runFused(EMBEDDING_GRAD, { ids, dy }, attrs)[0]!,
}));
