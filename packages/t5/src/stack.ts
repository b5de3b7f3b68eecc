/** T5's encoder and decoder: their blocks one after the other. Letters as in modeling.ts. */
import type * as tf from '@tensorflow/tfjs';
import {
  Dropout,
  decoderStep,
  gradientCheckpoint,
  type KeysAndValues,
  type KeyValueCache,
  Module,
  type RmsNorm,
  type Scope,
} from '@weft/attention';
import type { Memory } from '@weft/model';
import type { T5Config } from './config.js';
import {
  type BlockInputs,
  type DecoderBlock,
  type EncoderBlock,
  norm,
  normalised,
  type Stream,
  sumOf,
} from './modeling.js';

/** Encoder or decoder: blocks, and a last normalisation. */
export class Stack<B extends EncoderBlock | DecoderBlock> extends Module {
  readonly block: B[];
  readonly final_layer_norm: RmsNorm;
  readonly dropout: Dropout;

  constructor(
    scope: Scope,
    config: T5Config,
    layers: number,
    build: new (scope: Scope, config: T5Config, index: number) => B,
  ) {
    super();
    this.block = Array.from(
      { length: layers },
      (_, i) => new build(scope.child('block').child(i), config, i),
    );
    this.final_layer_norm = norm(scope.child('final_layer_norm'), config);
    this.dropout = new Dropout(config.dropout_rate);
  }

  /**
   * @param embedded [B, T, E]
   * @param past positions that a cache holds
   * @returns the normalised states [B, T, E]; with `hiddenStates`, the embeddings and each block's output go there
   */
  run(
    embedded: tf.Tensor,
    inputs: Omit<BlockInputs, 'positionBias'>,
    past = 0,
    hiddenStates?: tf.Tensor[],
  ): tf.Tensor {
    const length = embedded.shape[1]!;
    const bias = this.block[0]!.layer[0].SelfAttention.relative_attention_bias!;
    const passed = { ...inputs, positionBias: bias.forward(length, past + length) };
    let stream: Stream = { x: this.dropout.forward(embedded) };
    for (const [layer, block] of this.block.entries()) {
      // Added up where the sum itself is wanted.
      if (hiddenStates || inputs.gradientCheckpointing) stream = { x: sumOf(stream) };
      hiddenStates?.push(stream.x);
      stream = inputs.gradientCheckpointing
        ? { x: checkpointed(block, stream.x, passed, layer) }
        : block.forward(stream, passed, layer);
    }
    const last = this.dropout.forward(normalised(this.final_layer_norm, stream)[1]);
    hiddenStates?.push(last);
    return last;
  }
}

/**
 * A decoder's blocks and last normalisation for one more position of each row, in one call of the backend.
 *
 * @param x [B, 1, E]
 * @returns the normalised states [B, 1, E]
 */
export function decodeStep(
  decoder: Stack<DecoderBlock>,
  x: tf.Tensor,
  cache: KeyValueCache,
  { projected, paddingMask }: Memory,
): tf.Tensor {
  const { numHeads, relative_attention_bias: bias } = decoder.block[0]!.layer[0].SelfAttention;
  const length = cache.length + 1;
  const inner = projected[0]!.key.shape[2]!;
  const held = decoder.block.map((_, layer) => cache.room(layer, x.shape[0]!, inner));
  const rows = held[0]!.rows;
  const hidden = decoderStep(x, {
    blocks: decoder.block.map((block, layer) => block.forStep(x, held[layer]!, projected[layer]!)),
    length,
    ...(paddingMask ? { memoryPaddingMask: paddingMask } : {}),
    ...(rows ? { rows } : {}),
    positionBias: bias!.forward(1, length),
    numHeads,
    epsilon: decoder.final_layer_norm.epsilon,
    activation: decoder.block[0]!.layer[2].DenseReluDense.activation,
  });
  return decoder.final_layer_norm.forward(hidden);
}

/**
 * A block whose activations are computed again when its gradient is. The bias, and what the block sees of the encoder,
 * are computed outside, so that their gradients flow through here.
 */
function checkpointed(
  block: EncoderBlock | DecoderBlock,
  x: tf.Tensor,
  { positionBias, keyPaddingMask, memory, memoryPaddingMask }: BlockInputs,
  layer: number,
): tf.Tensor {
  const remembered = memory?.(layer);
  const given = {
    positionBias,
    keyPaddingMask,
    memoryPaddingMask,
    key: remembered?.key,
    value: remembered?.value,
  };
  const names = Object.keys(given).filter((name) => given[name as keyof typeof given] !== undefined);
  const forward = (hidden: tf.Tensor, ...tensors: tf.Tensor[]): tf.Tensor => {
    const { key, value, ...rest } = Object.fromEntries(names.map((name, i) => [name, tensors[i]!]));
    const seen = key && value ? { memory: (): KeysAndValues => ({ key, value }) } : {};
    return sumOf(block.forward({ x: hidden }, { positionBias, ...rest, ...seen }, layer));
  };
  const inside = block.namedParameters().filter(([key]) => !outside.some((pattern) => pattern.test(key)));
  return gradientCheckpoint(
    forward,
    [x, ...names.map((name) => given[name as keyof typeof given]!)],
    inside.map(([, parameter]) => parameter),
  );
}

/** Parameters of a block that are read before it runs. */
const outside = [/relative_attention_bias/, /EncDecAttention\.[kv]\./];
