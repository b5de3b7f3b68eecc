/**
 * The Transformer of "Attention Is All You Need" (Vaswani et al., 2017): an encoder and a decoder, sinusoidal
 * positions, shared embeddings, a loss with label smoothing.
 *
 * B batch, S source positions, T target positions, E width, V target vocabulary.
 */
import tf = require('@tensorflow/tfjs');

import { ConfigError } from '@weft/errors';
import { normal, xavierUniform } from '../module/initializers.js';
import { Module } from '../module/module.js';
import { Scope } from '../module/scope.js';
import { randomSource } from '../module/sources.js';
import { crossEntropy } from '../ops/cross-entropy.js';
import { gradientCheckpoint } from '../ops/gradient-checkpoint.js';
import type { Activation } from '../ops/kernels.js';
import { linear } from '../ops/linear.js';
import { linearCrossEntropy } from '../ops/linear-cross-entropy.js';
import { Dropout, Embedding, LayerNorm, Linear } from './basic.js';
import { type BlockOptions, DecoderBlock, EncoderBlock } from './blocks.js';
import { type IdRows, idTensor, shiftRight } from './ids.js';
import type { KeyValueCache } from './key-value-cache.js';
import type { KeysAndValues } from './multi-head-attention.js';
import { sinusoidalPositions } from './positions.js';
import { TransformerDecoding } from './transformer-decoding.js';

export interface TransformerOptions {
  sourceVocabSize: number;
  /** Default: that of the source. */
  targetVocabSize?: number;
  /** Default: 512. */
  width?: number;
  /** Default: 8. */
  numHeads?: number;
  /** Default: 6. */
  numEncoderLayers?: number;
  /** Default: 6. */
  numDecoderLayers?: number;
  /** Default: 4 * width. */
  innerWidth?: number;
  /** Default: 0.1. */
  dropout?: number;
  /** Default: relu. */
  activation?: Activation;
  /** Normalise before each part, as most do today; the paper does after it. Default: false. */
  normFirst?: boolean;
  /** A normalisation after the last block of each stack. Default: `normFirst`, which needs it. */
  finalNorm?: boolean;
  /**
   * Which tables are one: `all` (source, target and output, as in the paper; needs one vocabulary), `target`
   * (target and output) or `none`. Default: `all` where there is one vocabulary, else `target`.
   */
  tie?: 'all' | 'target' | 'none';
  /** Weight of the uniform part of the loss. Default: 0.1. */
  labelSmoothing?: number;
  /** Default: 0. */
  padTokenId?: number;
  /** What the decoder is fed first. Default: 1. */
  decoderStartTokenId?: number;
  /** Default: 2. */
  eosTokenId?: number;
  /** Longest target that can be decoded. Default: 1024. */
  maxPositions?: number;
  epsilon?: number;
}

export interface TransformerInputs {
  /** [B, S] */
  inputIds: IdRows;
  /** [B, S], 1 where a token counts. Default: where the id is not the pad token's. */
  attentionMask?: IdRows;
  /** [B, T]. Default: the labels moved one to the right, the start token first. */
  decoderInputIds?: IdRows;
  /** [B, T]; -100 counts nothing. */
  labels?: IdRows;
  labelSmoothing?: number;
  lossReduction?: 'mean' | 'sum';
  /** Default: true. */
  outputLogits?: boolean;
  /** Compute each block again in the backward pass instead of keeping its activations. */
  gradientCheckpointing?: boolean;
}

export interface TransformerOutputs {
  /** Scalar; present when labels are given. */
  loss?: tf.Scalar;
  /** [B, T, V]; present unless `outputLogits` is false. */
  logits?: tf.Tensor3D;
}

/** Encoder states as the decoder reads them. */
export interface TransformerMemory {
  /** [B, S, E] */
  memory: tf.Tensor;
  /** int32 [B, S] */
  memoryPaddingMask: tf.Tensor;
}

function withDefaults(options: TransformerOptions): Required<TransformerOptions> {
  const { sourceVocabSize, targetVocabSize = sourceVocabSize, width = 512, normFirst = false } = options;
  const shared = targetVocabSize === sourceVocabSize;
  const { tie = shared ? 'all' : 'target' } = options;
  if (tie === 'all' && !shared) {
    throw new ConfigError({
      operation: 'Transformer',
      expected: 'one vocabulary where all tables are tied',
      received: `sourceVocabSize ${sourceVocabSize}, targetVocabSize ${targetVocabSize}`,
      remedy: "tie 'target' or 'none', or use one tokenizer for both languages",
    });
  }
  return {
    numHeads: 8,
    numEncoderLayers: 6,
    numDecoderLayers: 6,
    innerWidth: 4 * width,
    dropout: 0.1,
    activation: 'relu',
    finalNorm: normFirst,
    labelSmoothing: 0.1,
    padTokenId: 0,
    decoderStartTokenId: 1,
    eosTokenId: 2,
    maxPositions: 1024,
    epsilon: 1e-5,
    ...options,
    targetVocabSize,
    width,
    normFirst,
    tie,
  };
}

class Stack<Block extends Module> extends Module {
  readonly layers: Block[];
  readonly norm?: LayerNorm;

  constructor(
    scope: Scope,
    count: number,
    options: BlockOptions & { finalNorm: boolean },
    block: new (scope: Scope, options: BlockOptions) => Block,
  ) {
    super();
    const layers = scope.child('layers');
    this.layers = Array.from(
      { length: count },
      (_, layer) => new block(layers.child(layer), { ...options, layer }),
    );
    if (options.finalNorm) this.norm = new LayerNorm(scope.child('norm'), options);
  }
}

/**
 * A whole encoder-decoder. `@weft/generation` decodes from it; give a subclass `savePretrained` and `@weft/trainer`
 * trains it.
 *
 * @example
 * ```ts
 * import { Transformer } from '@weft/attention';
 *
 * using model = new Transformer({ sourceVocabSize: 20, width: 16, numHeads: 2, numEncoderLayers: 1, numDecoderLayers: 1 });
 * const { loss, logits } = model.forward({ inputIds: [[4, 5, 6, 2]], labels: [[6, 5, 4, 2]] });
 * console.assert(logits!.shape.join() === '1,4,20' && loss!.dataSync()[0]! > 0);
 * ```
 */
export class Transformer extends Module {
  readonly source_embedding: Embedding;
  readonly target_embedding: Embedding;
  readonly encoder: Stack<EncoderBlock>;
  readonly decoder: Stack<DecoderBlock>;
  /** Only where the last layer shares no table. */
  readonly output?: Linear;
  readonly dropout: Dropout;
  readonly options: Required<TransformerOptions>;
  readonly isEncoderDecoder = true;
  readonly acceptsLossReduction = true;
  readonly supportsGradientCheckpointing = true;

  /** @throws ConfigError when the heads do not divide the width */
  constructor(given: TransformerOptions, from: { seed?: number } | Scope = {}) {
    super();
    const options = withDefaults(given);
    const { width, tie } = options;
    const scope = from instanceof Scope ? from : new Scope(randomSource(from.seed ?? 0));
    const table = { width, paddingIndex: options.padTokenId, initialize: normal(width ** -0.5) };
    const block = { ...options, initialize: xavierUniform };
    this.options = options;
    this.source_embedding = new Embedding(scope.child('source_embedding'), {
      vocabSize: options.sourceVocabSize,
      ...table,
    });
    this.target_embedding =
      tie === 'all'
        ? this.source_embedding
        : new Embedding(scope.child('target_embedding'), { vocabSize: options.targetVocabSize, ...table });
    this.encoder = new Stack(scope.child('encoder'), options.numEncoderLayers, block, EncoderBlock);
    this.decoder = new Stack(scope.child('decoder'), options.numDecoderLayers, block, DecoderBlock);
    if (tie === 'none') {
      const sizes = { inFeatures: width, outFeatures: options.targetVocabSize };
      this.output = new Linear(scope.child('output'), { ...sizes, bias: false, initialize: xavierUniform });
    }
    this.dropout = new Dropout(options.dropout);
  }

  /** What `@weft/generation` takes for options that are not given. */
  get generationDefaults(): { decoderStartTokenId: number; eosTokenId: number; padTokenId: number } {
    const { decoderStartTokenId, eosTokenId, padTokenId } = this.options;
    return { decoderStartTokenId, eosTokenId, padTokenId };
  }

  get maxPositions(): number {
    return this.options.maxPositions;
  }

  /** The last layer's weight [V, E]. */
  get outputWeight(): tf.Variable {
    return (this.output ?? this.target_embedding).weight;
  }

  /** @throws InputError on ids outside the vocabulary, rows of different lengths, or neither labels nor decoder ids */
  forward(inputs: TransformerInputs): TransformerOutputs {
    return tf.tidy(() => {
      const { outputLogits = true, gradientCheckpointing = false, labelSmoothing, lossReduction } = inputs;
      const labels = inputs.labels && idTensor(inputs.labels, 'labels');
      const ids = inputs.decoderInputIds
        ? idTensor(inputs.decoderInputIds, 'decoderInputIds')
        : shiftRight(
            labels,
            { start: this.options.decoderStartTokenId, padding: this.options.padTokenId },
            'Transformer.forward',
          );
      const memory = this.encode(inputs, gradientCheckpointing);
      const states = this.decode(ids, memory, { gradientCheckpointing }); // [B, T, E]
      const [batch, length, width] = states.shape as [number, number, number];
      const hidden = states.reshape([batch * length, width]); // [B * T, E]
      const targets = labels?.reshape([batch * length]);
      const loss = {
        labelSmoothing: labelSmoothing ?? this.options.labelSmoothing,
        ...(lossReduction ? { reduction: lossReduction } : {}),
      };
      if (!outputLogits)
        return targets ? { loss: linearCrossEntropy(hidden, this.outputWeight, targets, loss) } : {};
      const flat = linear(hidden, this.outputWeight); // [B * T, V]
      const logits = flat.reshape([batch, length, -1]) as tf.Tensor3D;
      return targets ? { logits, loss: crossEntropy(flat, targets, loss) } : { logits };
    });
  }

  /** Source ids to what the decoder attends to. */
  encode(
    { inputIds, attentionMask }: Pick<TransformerInputs, 'inputIds' | 'attentionMask'>,
    gradientCheckpointing = false,
  ): TransformerMemory {
    return tf.tidy(() => {
      const ids = idTensor(inputIds); // [B, S]
      const mask = attentionMask
        ? idTensor(attentionMask, 'attentionMask')
        : tf.cast(tf.notEqual(ids, this.options.padTokenId), 'int32');
      let hidden = this.#embed(this.source_embedding, ids, 0); // [B, S, E]
      for (const block of this.encoder.layers) {
        hidden = gradientCheckpointing
          ? gradientCheckpoint(
              (x, keep) => block.forward(x!, { keyPaddingMask: keep! }),
              [hidden, mask],
              block.parameters(),
            )
          : block.forward(hidden, { keyPaddingMask: mask }); // [B, S, E]
      }
      return { memory: this.encoder.norm?.forward(hidden) ?? hidden, memoryPaddingMask: mask };
    }) as TransformerMemory;
  }

  /**
   * Decoder states of target ids; with a cache, ids are the positions after the ones that it holds.
   *
   * @param ids int32 [B, T]
   * @param projected each block's keys and values of the memory, where they are at hand
   * @returns [B, T, E]
   */
  decode(
    ids: tf.Tensor2D,
    { memory, memoryPaddingMask }: TransformerMemory,
    options: { cache?: KeyValueCache; projected?: KeysAndValues[]; gradientCheckpointing?: boolean } = {},
  ): tf.Tensor {
    const { cache, projected, gradientCheckpointing = false } = options;
    return tf.tidy(() => {
      let hidden = this.#embed(this.target_embedding, ids, cache?.length ?? 0); // [B, T, E]
      for (const [layer, block] of this.decoder.layers.entries()) {
        hidden = gradientCheckpointing
          ? gradientCheckpoint(
              (x, m, keep) => block.forward(x!, { memory: m!, memoryPaddingMask: keep! }),
              [hidden, memory, memoryPaddingMask],
              block.parameters(),
            )
          : block.forward(hidden, {
              memoryPaddingMask,
              ...(projected ? { projected: projected[layer]! } : { memory }),
              ...(cache ? { cache } : {}),
            }); // [B, T, E]
      }
      cache?.advance(ids.shape[1]);
      return this.decoder.norm?.forward(hidden) ?? hidden;
    });
  }

  /** A running decode, as `@weft/generation` takes it. */
  startDecoding(input: { inputIds: IdRows; attentionMask?: IdRows }): TransformerDecoding {
    return new TransformerDecoding(this, input);
  }

  #embed(table: Embedding, ids: tf.Tensor2D, start: number): tf.Tensor {
    const { width } = this.options;
    const scaled = tf.mul(table.forward(ids), Math.sqrt(width)); // [B, T, E]
    return this.dropout.forward(tf.add(scaled, sinusoidalPositions(ids.shape[1], width, start)));
  }
}
