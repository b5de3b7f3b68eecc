import type * as tf from '@tensorflow/tfjs';
import { checkShape } from './check.js';
import { hasKernel, runFused } from './dispatch.js';
import { BEAM_ATTENTION, type BeamAttentionAttrs } from './kernels.js';

export interface BeamAttentionInputs extends BeamAttentionAttrs {
  /** [R, 1, H * D] */
  query: tf.Tensor;
  /** [P, C, H * D], of which the first `keyLength` positions count */
  key: tf.Tensor;
  /** [P, C, H * D] */
  value: tf.Tensor;
  /** int32 [R, keyLength]: which of the P rows of key and value holds each position of a row */
  rows: tf.Tensor;
  /** [1, H, 1, keyLength], added to the scaled scores */
  bias?: tf.Tensor;
}

/** True where the active backend has {@link beamAttention}; elsewhere a cache moves its rows themselves. */
export const hasBeamAttention = (): boolean => hasKernel(BEAM_ATTENTION);

/**
 * Attention of one new position a row over a cache in which each position of a row may lie in another row: beams that
 * go on from each other share what came before instead of copying it. Only where {@link hasBeamAttention} holds.
 *
 * @returns [R, 1, H * D]
 * @throws ShapeError when sizes do not fit together
 */
export function beamAttention({ query, key, value, rows, bias, ...attrs }: BeamAttentionInputs): tf.Tensor {
  const [batch, , width] = query.shape as [number, number, number];
  const [held, capacity] = key.shape as [number, number, number];
  const { keyLength, numHeads } = attrs;
  checkShape('beamAttention', 'query', query, [batch, 1, width]);
  checkShape('beamAttention', 'key', key, [held, Math.max(capacity, keyLength), width]);
  checkShape('beamAttention', 'value', value, [held, capacity, width]);
  checkShape('beamAttention', 'rows', rows, [batch, keyLength]);
  if (bias) checkShape('beamAttention', 'bias', bias, [1, numHeads, 1, keyLength]);
  return runFused(BEAM_ATTENTION, { query, key, value, rows, bias }, attrs)[0]!;
}
