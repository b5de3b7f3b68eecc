import type * as tf from '@tensorflow/tfjs';
import { ShapeError } from '@weft/errors';

/** Refuses a tensor whose shape is not the expected one; a text in `expected` stands for any size. */
export function checkShape(
  operation: string,
  tensor: string,
  received: tf.Tensor,
  expected: readonly (number | string)[],
): void {
  const { shape } = received;
  if (shape.length === expected.length) {
    let fits = true;
    for (let i = 0; i < shape.length; i++) {
      const size = expected[i];
      if (typeof size === 'number' && size !== shape[i]) fits = false;
    }
    if (fits) return;
  }
  throw new ShapeError({
    operation,
    tensor,
    expectedShape: expected,
    receivedShape: shape,
    remedy: 'check the layout and the sizes against the configuration',
  });
}

/** The product of all axes but the last: how many rows a tensor has. */
export function rowsOf(tensor: tf.Tensor): number {
  return tensor.shape.slice(0, -1).reduce((product, size) => product * size, 1);
}

/** A tensor as a matrix of rows; itself where it is one already. */
export function asMatrix(tensor: tf.Tensor): tf.Tensor2D {
  if (tensor.rank === 2) return tensor as tf.Tensor2D;
  return tensor.reshape([rowsOf(tensor), tensor.shape.at(-1) ?? 1]);
}
