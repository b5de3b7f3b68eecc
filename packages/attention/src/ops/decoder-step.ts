import type * as tf from '@tensorflow/tfjs';
import { InputError } from '@weft/errors';
import { checkShape } from './check.js';
import { hasKernel, isRecording, runFused } from './dispatch.js';
import { DECODER_STEP, type DecoderStepAttrs } from './kernels.js';
import type { QuantizedWeight } from './quantized-linear.js';

// With more rows what happens between kernels counts little, and a packed weight is read faster.
const MAX_ROWS = 8;

/** A linear layer's parameters, stored [in, out] or quantized. */
export interface StepLinear {
  weight: tf.Tensor | QuantizedWeight;
  bias: tf.Tensor;
}

/** Gamma and beta, each [E]. */
export interface StepNorm {
  weight: tf.Tensor;
  bias: tf.Tensor;
}

export interface StepBlock {
  /** [P, C, E] with room for one more position; written in place */
  key: tf.Tensor;
  /** [P, C, E], likewise */
  value: tf.Tensor;
  /** Of the scores. */
  scale: number;
  /** Before attention and before the feed-forward part. */
  norms: readonly [StepNorm, StepNorm];
  /** Query, key and value in one [E, 3E]; projection [E, E]; up [E, F]; down [F, E] */
  linears: readonly [StepLinear, StepLinear, StepLinear, StepLinear];
}

export interface DecoderStepInputs extends Pick<DecoderStepAttrs, 'numHeads' | 'epsilon' | 'activation'> {
  blocks: readonly StepBlock[];
  /** Positions that the caches hold with the new one. */
  length: number;
  /** [B, length], 1 keep, 0 hide */
  keyPaddingMask?: tf.Tensor;
}

/** True where {@link decoderStep} takes x [B, T, E]: one new position of few rows, nothing trained, a backend that has it. */
export function hasDecoderStep(x: tf.Tensor): boolean {
  return x.shape[1] === 1 && x.shape[0]! <= MAX_ROWS && !isRecording() && hasKernel(DECODER_STEP);
}

/**
 * One new position a row through all blocks of a decoder that has layer normalisation before each part, in one call:
 * what the ops one by one would give, and the caches written. Only where {@link hasDecoderStep} holds.
 *
 * @param x [B, 1, E]
 * @returns [B, 1, E]
 * @throws ShapeError when sizes do not fit together
 * @throws InputError when there is no block or no position, or the heads do not divide the width
 */
export function decoderStep(x: tf.Tensor, inputs: DecoderStepInputs): tf.Tensor {
  const { blocks, length, keyPaddingMask, ...rest } = inputs;
  const linears = blocks.flatMap((block) => block.linears);
  checkShapes(x, inputs);
  const tensors = {
    x,
    keyPaddingMask,
    keys: blocks.map(({ key }) => key),
    values: blocks.map(({ value }) => value),
    norms: blocks.flatMap(({ norms }) => norms.flatMap(({ weight, bias }) => [weight, bias])),
    weights: linears.map(({ weight }) => ('scales' in weight ? weight.quantized : weight)),
    biases: linears.map(({ bias }) => bias),
    weightScales: linears.map(({ weight }) => ('scales' in weight ? weight.scales : weight)),
  };
  const attrs: DecoderStepAttrs = {
    ...rest,
    scales: blocks.map(({ scale }) => scale),
    position: length - 1,
    groupSizes: linears.map(({ weight }) => ('scales' in weight ? weight.groupSize : 0)),
  };
  return runFused(DECODER_STEP, tensors, attrs)[0]!;
}

function checkShapes(x: tf.Tensor, inputs: DecoderStepInputs): void {
  const { blocks, length, keyPaddingMask, numHeads } = inputs;
  const check = (tensor: string, received: tf.Tensor, ...expected: (number | string)[]): void =>
    checkShape('decoderStep', tensor, received, expected);
  const [batch, , width] = x.shape as [number, number, number];
  if (blocks.length === 0 || length < 1 || width % numHeads !== 0) {
    throw new InputError({
      operation: 'decoderStep',
      expected: 'blocks, a length that counts the new position, and heads that divide the width',
      received: `${blocks.length} blocks, length ${length}, ${numHeads} heads, width ${width}`,
      remedy: "pass the model's blocks and heads, and the cache's length and one",
    });
  }
  const [held, capacity] = blocks[0]!.key.shape as [number, number];
  const inner = blocks[0]!.linears[2].bias.shape[0]!;
  const sizes = [
    [width, 3 * width],
    [width, width],
    [width, inner],
    [inner, width],
  ] as const;
  check('x', x, batch, 1, width);
  if (keyPaddingMask) check('keyPaddingMask', keyPaddingMask, batch, length);
  for (const { key, value, norms, linears } of blocks) {
    check('key', key, Math.max(held, batch), Math.max(capacity, length), width);
    check('value', value, held, capacity, width);
    for (const norm of norms) {
      check('gamma', norm.weight, width);
      check('beta', norm.bias, width);
    }
    for (const [i, { weight, bias }] of linears.entries()) {
      const [from, to] = sizes[i]!;
      check('bias', bias, to);
      if (!('scales' in weight)) {
        check('weight', weight, from, to);
        continue;
      }
      check('quantized', weight.quantized, to, from / 4);
      check('scales', weight.scales, to, from / weight.groupSize);
    }
  }
}
