import type * as tf from '@tensorflow/tfjs';
import { checkShape } from './check.js';
import { hasKernel, isRecording, runFused } from './dispatch.js';
import { DECODER_STEP, type DecoderStepAttrs } from './kernels.js';
import type { QuantizedWeight } from './quantized-linear.js';

// With more rows the calls between kernels count little, and a packed weight is read faster.
const MAX_ROWS = 8;

/** A linear layer's parameters, stored [in, out] or quantized. */
export interface StepLinear {
  weight: tf.Tensor | QuantizedWeight;
  bias: tf.Tensor;
}

export interface DecoderStepInputs
  extends Pick<DecoderStepAttrs, 'numHeads' | 'scale' | 'epsilon' | 'activation'> {
  /** [P, C, E] with room for one more position; written in place */
  key: tf.Tensor;
  /** [P, C, E], likewise */
  value: tf.Tensor;
  /** Positions that the cache holds with the new one. */
  length: number;
  /** [B, length], 1 keep, 0 hide */
  keyPaddingMask?: tf.Tensor;
  /** Before attention and before the feed-forward part; gamma and beta [E] */
  norms: readonly [NormParameters, NormParameters];
  /** Query, key and value in one [E, 3E]; projection [E, E]; up [E, F]; down [F, E] */
  linears: readonly [StepLinear, StepLinear, StepLinear, StepLinear];
}

interface NormParameters {
  weight: tf.Tensor;
  bias: tf.Tensor;
}

/** True where {@link decoderStep} takes x [B, T, E]: one new position of few rows, nothing trained, a backend that has it. */
export function hasDecoderStep(x: tf.Tensor): boolean {
  return x.shape[1] === 1 && x.shape[0]! <= MAX_ROWS && !isRecording() && hasKernel(DECODER_STEP);
}

/**
 * One new position a row through a decoder block with layer normalisation before each part, in one call: what the ops
 * one by one would give, and the cache written. The weights are all quantized alike or none is. Only where
 * {@link hasDecoderStep} holds.
 *
 * @param x [B, 1, E]
 * @returns [B, 1, E]
 * @throws ShapeError when sizes do not fit together
 */
export function decoderStep(x: tf.Tensor, inputs: DecoderStepInputs): tf.Tensor {
  const { key, value, length, keyPaddingMask, norms, linears, ...rest } = inputs;
  const [batch, , width] = x.shape as [number, number, number];
  const [held, capacity] = key.shape as [number, number];
  checkShape('decoderStep', 'x', x, [batch, 1, width]);
  checkShape('decoderStep', 'key', key, [Math.max(held, batch), Math.max(capacity, length), width]);
  checkShape('decoderStep', 'value', value, [held, capacity, width]);
  if (keyPaddingMask) checkShape('decoderStep', 'keyPaddingMask', keyPaddingMask, [batch, length]);
  for (const norm of norms) {
    checkShape('decoderStep', 'gamma', norm.weight, [width]);
    checkShape('decoderStep', 'beta', norm.bias, [width]);
  }
  const inner = linears[2].bias.shape[0]!;
  const first = linears[0].weight;
  const groupSize = 'scales' in first ? first.groupSize : 0;
  const sizes = [
    [width, 3 * width],
    [width, width],
    [width, inner],
    [inner, width],
  ] as const;
  const weights = linears.map(({ weight, bias }, i) => {
    const [from, to] = sizes[i]!;
    checkShape('decoderStep', 'bias', bias, [to]);
    if (!('scales' in weight)) {
      checkShape('decoderStep', 'weight', weight, groupSize === 0 ? [from, to] : ['quantized']);
      return weight;
    }
    checkShape('decoderStep', 'quantized', weight.quantized, groupSize > 0 ? [to, from / 4] : ['float32']);
    checkShape('decoderStep', 'scales', weight.scales, [to, from / groupSize]);
    return weight.quantized;
  });
  const tensors = {
    x,
    key,
    value,
    keyPaddingMask,
    norms: norms.flatMap(({ weight, bias }) => [weight, bias]),
    weights,
    biases: linears.map(({ bias }) => bias),
    scales:
      groupSize > 0 ? linears.map(({ weight }) => ('scales' in weight ? weight.scales : weight)) : undefined,
  };
  const attrs: DecoderStepAttrs = { ...rest, position: length - 1, groupSize };
  return runFused(DECODER_STEP, tensors, attrs)[0]!;
}
