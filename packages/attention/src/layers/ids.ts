import * as tf from '@tensorflow/tfjs';
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
