import tf = require('@tensorflow/tfjs');

import {
  crossEntropy,
  Int8Copy,
  idTensor,
  Linear,
  likeliestToken,
  linear,
  linearCrossEntropy,
  normal,
} from '@weft/attention';
import {
  type GenerationOptions,
  type GenerativeModel,
  generate,
  generateStream,
  type StreamStep,
} from '@weft/generation';
import { type LoadOptions, loadPretrained, type ModelSource, PretrainedModel, scopeOf } from '@weft/model';
import { type GPT2Config, gpt2ConfigSchema, gpt2KeyMap } from './config.js';
import { GPT2DecodingSession } from './decoding.js';
import { type GPT2Inputs, GPT2Model, type GPT2Outputs } from './modeling.js';

export interface GPT2LMHeadInputs extends GPT2Inputs {
  /** [B, T], usually the input ids themselves: position t is scored on t + 1; -100 counts nothing. */
  labels?: readonly (readonly number[])[] | tf.Tensor2D;
  /** Default: the mean over counted labels. A trainer that accumulates divides a sum by a count of its own. */
  lossReduction?: 'mean' | 'sum';
  labelSmoothing?: number;
  /** Default: true. Without logits a loss never needs all of them at once. */
  outputLogits?: boolean;
}

export interface GPT2LMHeadOutputs extends Omit<GPT2Outputs, 'lastHiddenState'> {
  /** Scalar; present when labels are given. */
  loss?: tf.Scalar;
  /** [B, T, V]; present unless `outputLogits` is false. */
  logits?: tf.Tensor3D;
}

type WithLogits = GPT2LMHeadOutputs & { logits: tf.Tensor3D };

/**
 * GPT-2 as a language model: the blocks, and a last layer that shares the word embeddings.
 *
 * @example
 * ```ts
 * import { GPT2LMHeadModel, gpt2ConfigSchema } from '@weft/gpt2';
 *
 * const config = gpt2ConfigSchema.parse({ vocab_size: 100, n_positions: 16, n_embd: 32, n_layer: 2, n_head: 4 });
 * using model = new GPT2LMHeadModel(config, { seed: 1 });
 * const inputIds = [[1, 2, 3]];
 * const { loss, logits } = model.forward({ inputIds, labels: inputIds });
 * console.assert(logits.shape.join() === '1,3,100' && loss!.dataSync()[0] > 0);
 * const [ids] = await model.generate(inputIds, { maxLength: 10 });
 * console.assert(ids!.length === 10);
 * ```
 */
export class GPT2LMHeadModel extends PretrainedModel<GPT2Config> implements GenerativeModel {
  static readonly architecture = 'GPT2LMHeadModel';
  static readonly configSchema = gpt2ConfigSchema;
  static readonly keyMap = gpt2KeyMap;
  static readonly tiedKeys = [/^lm_head\.weight$/];

  readonly transformer: GPT2Model;
  /** Only where the configuration does not tie it to the word embeddings. */
  readonly lm_head?: Linear;
  readonly isEncoderDecoder = false;
  readonly acceptsLossReduction = true;
  readonly supportsGradientCheckpointing = true;
  #int8Head: Int8Copy | undefined;

  constructor(config: GPT2Config, source: ModelSource = {}) {
    super(config);
    const scope = scopeOf(source);
    this.transformer = new GPT2Model(config, scope.child('transformer'));
    if (!config.tie_word_embeddings) {
      this.lm_head = new Linear(scope.child('lm_head'), {
        inFeatures: config.n_embd,
        outFeatures: config.vocab_size,
        bias: false,
        initialize: normal(config.initializer_range),
      });
    }
  }

  /** Loads a folder or a model of the hub: gpt2, gpt2-medium, distilgpt2 and the like. */
  static fromPretrained(source: string, options: LoadOptions = {}): Promise<GPT2LMHeadModel> {
    return loadPretrained(GPT2LMHeadModel, source, options);
  }

  get maxPositions(): number {
    return this.config.n_positions;
  }

  /** The last layer's weight [V, E]. */
  get outputWeight(): tf.Variable {
    return (this.lm_head ?? this.transformer.wte).weight;
  }

  forward(inputs: GPT2LMHeadInputs & { outputLogits: false }): GPT2LMHeadOutputs;
  forward(inputs: GPT2LMHeadInputs): WithLogits;
  forward({
    labels,
    lossReduction,
    labelSmoothing,
    outputLogits = true,
    ...inputs
  }: GPT2LMHeadInputs): GPT2LMHeadOutputs {
    return tf.tidy(() => {
      const { lastHiddenState, ...rest } = this.transformer.forward(inputs);
      const [batch, length, width] = lastHiddenState.shape;
      const options = {
        ...(lossReduction ? { reduction: lossReduction } : {}),
        ...(labelSmoothing ? { labelSmoothing } : {}),
      };
      const hidden = lastHiddenState.reshape([batch * length, width]); // [B * T, E]
      const targets = labels ? shiftLabels(idTensor(labels, 'labels')) : undefined; // [B * T]
      if (!outputLogits) {
        const loss = targets ? linearCrossEntropy(hidden, this.outputWeight, targets, options) : undefined;
        return { ...rest, ...(loss ? { loss } : {}) } as GPT2LMHeadOutputs & tf.TensorContainer;
      }
      const flat = this.score(hidden); // [B * T, V]
      const logits = flat.reshape([batch, length, -1]) as tf.Tensor3D;
      const loss = targets ? crossEntropy(flat, targets, options) : undefined;
      return { ...rest, logits, ...(loss ? { loss } : {}) } as GPT2LMHeadOutputs & tf.TensorContainer;
    });
  }

  /** Logits [rows, V] of hidden states [rows, E]. */
  score(hidden: tf.Tensor): tf.Tensor {
    return this.#int8Head?.serves(hidden) ? this.#int8Head.linear(hidden) : linear(hidden, this.outputWeight);
  }

  /** The token with the greatest logit, int32 [rows], of hidden states [rows, E]. */
  likeliest(hidden: tf.Tensor): tf.Tensor {
    return this.#int8Head?.serves(hidden)
      ? tf.argMax(this.#int8Head.linear(hidden), 1)
      : likeliestToken(hidden, this.outputWeight);
  }

  /**
   * Makes decoding faster by int8 copies of all linear weights, the last layer's included; logits then differ in
   * the second or third digit. Prompts and training go on in float32, and what is saved is the weights themselves.
   */
  quantize(groupSize?: number): this {
    for (const [, module] of this.namedModules()) if (module instanceof Linear) module.quantize(groupSize);
    this.release();
    this.#int8Head = new Int8Copy(this.outputWeight as tf.Tensor as tf.Tensor2D, 'out-in', groupSize);
    return this;
  }

  protected override release(): void {
    this.#int8Head?.dispose();
    this.#int8Head = undefined;
  }

  /**
   * Goes on with each prompt; `options` as Hugging Face's generate has them. Prompts of different lengths are
   * padded on the left.
   *
   * @returns prompt and new tokens of each sequence
   */
  async generate(
    inputIds: readonly (readonly number[])[],
    options: GenerationOptions = {},
  ): Promise<number[][]> {
    return (await generate(this, inputIds, options)).sequences;
  }

  /** The same, token by token. */
  generateStream(
    inputIds: readonly (readonly number[])[],
    options: GenerationOptions = {},
  ): AsyncGenerator<StreamStep, void, void> {
    return generateStream(this, inputIds, options);
  }

  startDecoding({ attentionMask }: { attentionMask: readonly (readonly number[])[] }): GPT2DecodingSession {
    return new GPT2DecodingSession(this, attentionMask);
  }
}

/** Labels [B, T] moved one to the left, so that row t is scored on token t + 1; the last position on none. */
function shiftLabels(labels: tf.Tensor2D): tf.Tensor1D {
  const [batch, length] = labels.shape;
  const values = labels.dataSync();
  const shifted = new Int32Array(batch * length).fill(-100);
  for (let b = 0; b < batch; b++) {
    for (let t = 0; t + 1 < length; t++) shifted[b * length + t] = values[b * length + t + 1]!;
  }
  return tf.tensor1d(shifted, 'int32');
}
