import type { TensorInfo } from '@tensorflow/tfjs';
import type { LinearAttrs } from '@weft/attention';
import type { KernelCall } from '../native/kernel.js';
import { linear } from './linear.js';

/** Smaller last layers are multiplied as fast as they are looked through. */
const smallest = 1 << 16;
/** Rows up to which reading the weight is what takes the time; more need a processor that multiplies bytes. */
const fewRows = 8;

/** The token with the greatest logit of each row: see the contract of the fused kernels. */
export function likeliestToken({ inputs, backend }: KernelCall<object>): TensorInfo {
  const { states, weight, bias } = inputs as { states: TensorInfo; weight: TensorInfo; bias?: TensorInfo };
  const [m, k] = states.shape as [number, number];
  const n = weight.shape[0]!;
  const { addon } = backend;
  const tokens = backend.output([m], 'int32');
  const suits = n * k >= smallest && (m <= fewRows || addon.instructionSet() === 'avx512');
  const coarse = suits ? backend.coarseWeight(weight) : undefined;
  if (coarse === undefined) {
    const attrs: LinearAttrs = { layout: 'out-in', activation: 'none', reused: true };
    const logits = linear({ inputs: { x: states, weight, ...(bias ? { bias } : {}) }, backend, attrs });
    addon.argMax(backend.floats(logits), tokens.values, m, n);
    backend.disposeData(logits.dataId as object);
    return tokens;
  }
  const biases = bias === undefined ? null : backend.floats(bias);
  addon.likeliestToken(
    m,
    n,
    k,
    backend.floats(states),
    backend.floats(weight),
    coarse,
    biases,
    tokens.values,
  );
  return tokens;
}
