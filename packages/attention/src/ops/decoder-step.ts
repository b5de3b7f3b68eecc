import type * as tf from '@tensorflow/tfjs';
import { InputError } from '@weft/errors';
import { checkShape } from './check.js';
import { hasKernel, isRecording, runFused } from './dispatch.js';
import { DECODER_STEP, type DecoderStepAttrs, type WeightLayout } from './kernels.js';
import type { QuantizedWeight } from './quantized-linear.js';

/** A linear layer's parameters. */
export interface StepLinear {
  weight: tf.Tensor | QuantizedWeight;
  layout: WeightLayout;
  bias?: tf.Tensor;
}

/** Gamma [E] and beta [E]; without beta it is root-mean-square normalisation. */
export interface StepNorm {
  weight: tf.Tensor;
  bias?: tf.Tensor;
}

/** Attention and the normalisation before it; A is the width of all heads together. */
interface StepAttention {
  norm: StepNorm;
  /** [A, E] */
  project: StepLinear;
}

export interface StepBlock {
  self: StepAttention & {
    /** Query, key and value, each [E, A], or all of them in one [E, 3A]. */
    inputs: readonly [StepLinear, StepLinear, StepLinear] | readonly [StepLinear];
    /** [P, C, A] with room for one more position; written in place */
    key: tf.Tensor;
    /** [P, C, A], likewise */
    value: tf.Tensor;
  };
  /** What an encoder's states are looked at with; in all blocks or in none. */
  cross?: StepAttention & {
    /** [E, A] */
    query: StepLinear;
    /** [S, Tk, A]: row s is looked at by B / S rows of x, side by side */
    key: tf.Tensor;
    /** [S, Tk, A] */
    value: tf.Tensor;
  };
  feedForward: {
    norm: StepNorm;
    /** [E, F]; activation(up(x)), or activation(gate(x)) * up(x) */
    up: StepLinear;
    /** [E, F] */
    gate?: StepLinear;
    /** [F, E] */
    down: StepLinear;
  };
  /** Of the scores. */
  scale: number;
}

export interface DecoderStepInputs extends Pick<DecoderStepAttrs, 'numHeads' | 'epsilon' | 'activation'> {
  blocks: readonly StepBlock[];
  /** Positions that the caches hold with the new one. */
  length: number;
  /** [B, length], 1 keep, 0 hide */
  keyPaddingMask?: tf.Tensor;
  /** [S, Tk], 1 keep, 0 hide */
  memoryPaddingMask?: tf.Tensor;
  /** Added to the scores of self-attention, [1, H, 1, length]. */
  positionBias?: tf.Tensor;
  /** int32 [B, length]: which row of the caches holds each position; absent where each row holds its own. */
  rows?: tf.Tensor;
}

/** True where {@link decoderStep} takes x [B, T, E]: one new position, nothing trained, a backend that has it. */
export function hasDecoderStep(x: tf.Tensor): boolean {
  return x.shape[1] === 1 && !isRecording() && hasKernel(DECODER_STEP);
}

/**
 * One new position a row through all blocks of a decoder that has a normalisation before each part, in one call: what
 * the ops one by one would give, and the caches written. Only where {@link hasDecoderStep} holds.
 *
 * @param x [B, 1, E]
 * @returns [B, 1, E]
 * @throws ShapeError when sizes do not fit together
 * @throws InputError when there is no block or no position, or the heads do not divide the width
 */
export function decoderStep(x: tf.Tensor, inputs: DecoderStepInputs): tf.Tensor {
  const { blocks, length, keyPaddingMask, memoryPaddingMask, positionBias, rows, ...rest } = inputs;
  checkShapes(x, inputs);
  const linears = blocks.flatMap(linearsOf);
  const norms = blocks.flatMap(normsOf);
  const tensors = {
    x,
    keyPaddingMask,
    memoryPaddingMask,
    positionBias,
    rows,
    keys: blocks.map(({ self }) => self.key),
    values: blocks.map(({ self }) => self.value),
    memoryKeys: blocks.flatMap(({ cross }) => cross?.key ?? []),
    memoryValues: blocks.flatMap(({ cross }) => cross?.value ?? []),
    norms: norms.flatMap((norm) => [norm?.weight, norm?.bias]),
    weights: linears.map((linear) => linear && stored(linear.weight)[0]),
    weightScales: linears.map((linear) => linear && stored(linear.weight)[1]),
    biases: linears.map((linear) => linear?.bias),
  };
  const attrs: DecoderStepAttrs = {
    ...rest,
    scales: blocks.map(({ scale }) => scale),
    position: length - 1,
    inner: features(blocks[0]!.feedForward.up)[1],
    layouts: linears.map((linear) => linear?.layout),
  };
  return runFused(DECODER_STEP, tensors, attrs)[0]!;
}

/** The tensors of a weight: itself, or its int8 form and scales. */
const stored = (weight: tf.Tensor | QuantizedWeight): readonly [tf.Tensor, tf.Tensor?] =>
  'scales' in weight ? [weight.quantized, weight.scales] : [weight];

/** In the order of the contract. */
function linearsOf({ self, cross, feedForward }: StepBlock): (StepLinear | undefined)[] {
  const [query, key, value] = self.inputs;
  const { gate, up, down } = feedForward;
  return [query, key, value, self.project, cross?.query, cross?.project, gate, up, down];
}

const normsOf = ({ self, cross, feedForward }: StepBlock): (StepNorm | undefined)[] => [
  self.norm,
  cross?.norm,
  feedForward.norm,
];

/** Features in and out. */
const features = ({ weight, layout }: StepLinear): readonly [number, number] => {
  if ('scales' in weight) return [4 * weight.quantized.shape[1]!, weight.quantized.shape[0]!];
  const [rows, columns] = weight.shape as [number, number];
  return layout === 'in-out' ? [rows, columns] : [columns, rows];
};

function checkShapes(x: tf.Tensor, inputs: DecoderStepInputs): void {
  const { blocks, length, keyPaddingMask, memoryPaddingMask, positionBias, rows, numHeads } = inputs;
  const check = (tensor: string, received: tf.Tensor, ...expected: (number | string)[]): void =>
    checkShape('decoderStep', tensor, received, expected);
  const [batch, , width] = x.shape as [number, number, number];
  const first = blocks[0];
  const attention = first ? features(first.self.project)[0] : 0;
  if (!first || length < 1 || attention % numHeads !== 0) {
    throw new InputError({
      operation: 'decoderStep',
      expected: 'blocks, a length that counts the new position, and heads that divide the width of attention',
      received: `${blocks.length} blocks, length ${length}, ${numHeads} heads, width ${attention}`,
      remedy: "pass the model's blocks and heads, and the cache's length and one",
    });
  }
  const [held, capacity] = first.self.key.shape as [number, number];
  const inner = features(first.feedForward.up)[1];
  const [sources, remembered] = (first.cross?.key.shape ?? [batch, 1]) as [number, number];
  const over = blocks.filter(({ cross }) => cross).length;
  if ((over > 0 && over < blocks.length) || batch % sources !== 0) {
    throw new InputError({
      operation: 'decoderStep',
      expected: `a memory in all blocks or in none, of rows that ${batch} are a multiple of`,
      received: `one in ${over} of ${blocks.length} blocks, of ${sources} rows`,
      remedy: "pass the encoder's keys and values to each block, a row for each source",
    });
  }
  const checkLinear = (linear: StepLinear | undefined, from: number, to: number): void => {
    if (!linear) return;
    const { weight, layout, bias } = linear;
    if (bias) check('bias', bias, to);
    if ('scales' in weight) {
      check('quantized', weight.quantized, to, from / 4);
      check('scales', weight.scales, to, from / weight.groupSize);
    } else check('weight', weight, ...(layout === 'in-out' ? [from, to] : [to, from]));
  };
  check('x', x, batch, 1, width);
  if (keyPaddingMask) check('keyPaddingMask', keyPaddingMask, batch, length);
  if (memoryPaddingMask) check('memoryPaddingMask', memoryPaddingMask, sources, remembered);
  if (positionBias) check('positionBias', positionBias, 1, numHeads, 1, length);
  if (rows) check('rows', rows, batch, length);
  for (const block of blocks) {
    const { self, cross, feedForward } = block;
    check('key', self.key, Math.max(held, batch), Math.max(capacity, length), attention);
    check('value', self.value, held, capacity, attention);
    for (const norm of normsOf(block)) {
      if (norm) check('gamma', norm.weight, width);
      if (norm?.bias) check('beta', norm.bias, width);
    }
    const joined = self.inputs.length === 1 ? 3 * attention : attention;
    for (const linear of self.inputs) checkLinear(linear, width, joined);
    checkLinear(self.project, attention, width);
    checkLinear(feedForward.gate, width, inner);
    checkLinear(feedForward.up, width, inner);
    checkLinear(feedForward.down, inner, width);
    if (!cross) continue;
    check('memory key', cross.key, sources, remembered, attention);
    check('memory value', cross.value, sources, remembered, attention);
    checkLinear(cross.query, width, attention);
    checkLinear(cross.project, attention, width);
  }
}
