import type { TensorInfo } from '@tensorflow/tfjs';
import type { BeamAttentionAttrs, TopTokensAttrs } from '@weft/attention';
import { InputError, ShapeError } from '@weft/errors';
import type { KernelCall } from '../native/kernel.js';
import { sameShape } from './sizes.js';

/** Attention of one position a row over a cache whose rows share their pasts: see the contract of the fused kernels. */
export function beamAttention({ inputs, backend, attrs }: KernelCall<BeamAttentionAttrs>): TensorInfo[] {
  const { query, key, value, rows, bias } = inputs as Record<string, TensorInfo>;
  const [batch, , width] = query!.shape as [number, number, number];
  const [held, capacity] = key!.shape as [number, number, number];
  const { numHeads, keyLength, scale } = attrs;
  checkShape('query', query!, [batch, 1, width - (width % numHeads)]);
  checkShape('key', key!, [held, Math.max(capacity, keyLength), width]);
  checkShape('value', value!, [held, capacity, width]);
  checkShape('rows', rows!, [batch, Math.max(1, keyLength)]);
  if (bias != null) checkShape('bias', bias, [1, numHeads, 1, keyLength]);
  const y = backend.output([batch, 1, width]);
  const wrong = backend.addon.beamAttention(
    backend.floats(query!),
    backend.floats(key!),
    backend.floats(value!),
    backend.ints(rows!),
    bias == null ? null : backend.floats(bias),
    y.values,
    batch,
    held,
    capacity,
    keyLength,
    numHeads,
    width / numHeads,
    scale,
  );
  if (wrong < 0) return [y];
  throw noSuchRow('beamAttention', backend.ints(rows!), wrong, held);
}

/** The error for a table of rows that names one, at place `wrong`, which a cache of `held` rows does not have. */
export function noSuchRow(operation: string, rows: Int32Array, wrong: number, held: number): InputError {
  return new InputError({
    operation,
    expected: `rows of the cache, from 0 to ${held - 1}`,
    received: `${rows[wrong]} at place ${wrong}`,
    remedy: 'move the table of rows along with the beams',
  });
}

/** [tokens, logProbabilities] */
export function topTokens({ inputs, backend, attrs }: KernelCall<TopTokensAttrs>): TensorInfo[] {
  const logits = inputs.logits!;
  const [rows, columns] = logits.shape as [number, number];
  const count = Math.min(attrs.count, columns);
  const tokens = backend.output([rows, count], 'int32');
  const logProbabilities = backend.output([rows, count]);
  backend.addon.topTokens(
    backend.floats(logits),
    tokens.values,
    logProbabilities.values,
    rows,
    columns,
    count,
  );
  return [tokens, logProbabilities];
}

function checkShape(tensor: string, { shape }: TensorInfo, expected: number[]): void {
  if (sameShape(shape, expected)) return;
  throw new ShapeError({
    operation: 'beamAttention',
    tensor,
    expectedShape: expected,
    receivedShape: shape,
    remedy: 'check the sizes of batch, heads and keys against each other',
  });
}
