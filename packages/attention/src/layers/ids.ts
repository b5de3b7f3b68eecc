import tf = require('@tensorflow/tfjs');

import { InputError } from '@weft/errors';

/** Rows of whole numbers of one length, or an int32 tensor [B, T]: token ids, masks, labels. */
export type IdRows = readonly (readonly number[])[] | tf.Tensor2D;

/**
 * Rows of numbers as an int32 tensor [B, T]; a tensor is taken as it is.
 *
 * @throws InputError when the rows differ in length, or there is nothing in them
 */
export function idTensor(rows: IdRows, what = 'inputIds'): tf.Tensor2D {
  if (rows instanceof tf.Tensor) return rows.dtype === 'int32' ? rows : tf.cast(rows, 'int32');
  const width = rows[0]?.length ?? 0;
  if (width === 0) {
    throw new InputError({
      operation: what,
      expected: 'at least one row, not empty',
      received: rows.length === 0 ? 'no rows' : 'an empty row',
      remedy: 'leave empty texts out',
    });
  }
  const flat = new Int32Array(rows.length * width);
  rows.forEach((row, i) => {
    if (row.length !== width) {
      throw new InputError({
        operation: what,
        expected: `rows of one length, ${width} as the first`,
        received: `${row.length} numbers in row ${i}`,
        remedy: 'pad the rows, and pass an attention mask',
      });
    }
    flat.set(row, i * width);
  });
  return tf.tensor2d(flat, [rows.length, width], 'int32');
}

/**
 * What a decoder reads to foresee labels: each row moved one to the right behind the start token, ignored labels as
 * padding.
 *
 * @param labels int32 [B, T]; -100 counts nothing
 * @returns int32 [B, T]
 * @throws InputError without labels
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { shiftRight } from '@weft/attention';
 *
 * const read = shiftRight(tf.tensor2d([[7, 8, -100]], [1, 3], 'int32'), { start: 1, padding: 0 });
 * console.assert(read.dataSync().join() === '1,7,8');
 * ```
 */
export function shiftRight(
  labels: tf.Tensor2D | undefined,
  { start, padding }: { start: number; padding: number },
  operation = 'shiftRight',
): tf.Tensor2D {
  if (!labels) {
    throw new InputError({
      operation,
      expected: 'decoderInputIds or labels',
      received: 'neither',
      remedy: 'pass labels to train, or generate',
    });
  }
  const [batch, length] = labels.shape;
  const values = labels.dataSync();
  const shifted = new Int32Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const label = i % length === 0 ? start : values[i - 1]!;
    shifted[i] = label === -100 ? padding : label;
  }
  return tf.tensor2d(shifted, [batch, length], 'int32');
}
