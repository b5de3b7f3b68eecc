import tf = require('@tensorflow/tfjs');

import {
  crossEntropy,
  type IdRows,
  idTensor,
  likeliestToken,
  linear,
  linearCrossEntropy,
  type Scope,
  shiftRight,
  zeros,
} from '@weft/attention';
import {
  type DecodingInput,
  type GenerationOptions,
  type GenerativeModel,
  generate,
  generateStream,
  type StreamStep,
} from '@weft/generation';
import {
  type LoadOptions,
  loadPretrained,
  type Memory,
  type ModelSource,
  PretrainedModel,
  type Seq2SeqDecoder,
  Seq2SeqDecodingSession,
  scopeOf,
} from '@weft/model';
import { type MarianConfig, marianConfigSchema, marianKeyMap } from './config.js';
import { type MarianEncoderInputs, type MarianInputs, MarianModel, type MarianOutputs } from './model.js';

export interface MarianMTInputs extends Omit<MarianInputs, 'decoderInputIds'> {
  /** Default: the labels moved right by one, behind the start token. */
  decoderInputIds?: IdRows;
  /** [B, T]; -100 counts nothing. */
  labels?: IdRows;
  lossReduction?: 'mean' | 'sum';
  labelSmoothing?: number;
  /** Default: true. Without logits a loss never needs all of them at once. */
  outputLogits?: boolean;
}

export interface MarianMTOutputs extends Omit<MarianOutputs, 'lastHiddenState'> {
  /** Scalar; present when labels are given. */
  loss?: tf.Scalar;
  /** [B, T, V]; present unless `outputLogits` is false. */
  logits?: tf.Tensor3D;
}

type WithLogits = MarianMTOutputs & { logits: tf.Tensor3D };

/**
 * Marian with its language-modelling head, which shares the embeddings: the translation models of OPUS-MT.
 *
 * @example
 * ```ts
 * import { MarianMTModel, marianConfigSchema } from '@weft/marian';
 *
 * const sizes = { d_model: 16, encoder_layers: 1, decoder_layers: 1, encoder_ffn_dim: 32, decoder_ffn_dim: 32 };
 * const heads = { encoder_attention_heads: 2, decoder_attention_heads: 2 };
 * const tokens = { vocab_size: 40, pad_token_id: 39, decoder_start_token_id: 39 };
 * using model = new MarianMTModel(marianConfigSchema.parse({ ...sizes, ...heads, ...tokens }), { seed: 1 });
 * const { loss, logits } = model.forward({ inputIds: [[5, 6, 0]], labels: [[7, 0]] });
 * console.assert(logits.shape.join() === '1,2,40' && loss!.dataSync()[0] > 0);
 * ```
 */
export class MarianMTModel extends PretrainedModel<MarianConfig> implements GenerativeModel, Seq2SeqDecoder {
  static readonly architecture = 'MarianMTModel';
  static readonly configSchema = marianConfigSchema;
  static readonly keyMap = marianKeyMap;
  static readonly tiedKeys = [/^lm_head\.weight$/];
  static readonly headKeys = [/^final_logits_bias$/];

  readonly model: MarianModel;
  /** [1, V], added to the logits; stored, never trained. */
  readonly final_logits_bias: tf.Variable;
  readonly isEncoderDecoder = true;
  readonly supportsGradientCheckpointing = true;
  /** The same where it is not zero all over, [V]; a plain tensor, so that no gradient reaches it. */
  #bias: tf.Tensor | undefined;

  constructor(config: MarianConfig, source: ModelSource = {}) {
    super(config);
    const scope: Scope = scopeOf(source);
    this.model = new MarianModel(config, scope.child('model'));
    this.final_logits_bias = scope.parameter('final_logits_bias', [1, config.vocab_size], zeros);
    const values = this.final_logits_bias.dataSync();
    if (values.some((value) => value !== 0)) this.#bias = tf.keep(tf.tensor1d(values as Float32Array));
  }

  /**
   * Loads a folder or a model of the hub: Helsinki-NLP/opus-mt-en-de and the like.
   *
   * @throws ConfigError, CheckpointError, DownloadError
   */
  static fromPretrained(source: string, options: LoadOptions = {}): Promise<MarianMTModel> {
    return loadPretrained(MarianMTModel, source, options);
  }

  get maxPositions(): number {
    return this.config.max_position_embeddings;
  }

  get maxSourcePositions(): number {
    return this.config.max_position_embeddings;
  }

  get vocabSize(): number {
    return this.config.vocab_size;
  }

  /** The head's weight [V, E]: the shared embeddings. */
  get outputWeight(): tf.Variable {
    return this.model.shared.weight;
  }

  forward(inputs: MarianMTInputs & { outputLogits: false }): MarianMTOutputs;
  forward(inputs: MarianMTInputs): WithLogits;
  forward({
    labels,
    lossReduction,
    labelSmoothing,
    outputLogits = true,
    ...inputs
  }: MarianMTInputs): MarianMTOutputs {
    return tf.tidy(() => {
      const targets = labels ? idTensor(labels, 'labels') : undefined; // [B, T]
      const decoderInputIds =
        inputs.decoderInputIds ??
        shiftRight(
          targets,
          { start: this.config.decoder_start_token_id, padding: this.config.pad_token_id },
          'MarianMTModel',
        );
      const { lastHiddenState, ...rest } = this.model.run({ ...inputs, decoderInputIds });
      const [batch, length, width] = lastHiddenState.shape;
      const hidden = lastHiddenState.reshape([batch * length, width]); // [B * T, E]
      const options = {
        ...(lossReduction ? { reduction: lossReduction } : {}),
        ...(labelSmoothing ? { labelSmoothing } : {}),
      };
      const flat = targets?.reshape([batch * length]);
      if (!outputLogits) {
        const biased = { ...options, ...(this.#bias ? { bias: this.#bias } : {}) };
        const loss = flat ? linearCrossEntropy(hidden, this.outputWeight, flat, biased) : undefined;
        return { ...rest, ...(loss ? { loss } : {}) } as MarianMTOutputs & tf.TensorContainer;
      }
      const scores = this.score(hidden); // [B * T, V]
      const loss = flat ? crossEntropy(scores, flat, options) : undefined;
      const logits = scores.reshape([batch, length, -1]) as tf.Tensor3D;
      return { ...rest, logits, ...(loss ? { loss } : {}) } as WithLogits & tf.TensorContainer;
    });
  }

  encode(inputs: MarianEncoderInputs): { lastHiddenState: tf.Tensor } {
    return this.model.encode(inputs);
  }

  remember(states: tf.Tensor): Memory {
    return this.model.remember(states);
  }

  decode(...given: Parameters<MarianModel['decode']>): tf.Tensor {
    return this.model.decode(...given);
  }

  newCache(sharesRows = false): ReturnType<MarianModel['newCache']> {
    return this.model.newCache(sharesRows);
  }

  /** Logits [rows, V] of the decoder's states [rows, E]. */
  score(states: tf.Tensor): tf.Tensor {
    return linear(states, this.outputWeight, this.#bias);
  }

  /** The token with the greatest logit, int32 [rows], of the decoder's states [rows, E]. */
  likeliest(states: tf.Tensor): tf.Tensor {
    return likeliestToken(states, this.outputWeight, this.#bias);
  }

  protected override release(): void {
    this.#bias?.dispose();
    this.#bias = undefined;
  }

  /** Translates each source; sources of different lengths are padded. */
  async generate(
    inputIds: readonly (readonly number[])[],
    options: GenerationOptions = {},
  ): Promise<number[][]> {
    return (await generate(this, inputIds, options)).sequences;
  }

  generateStream(
    inputIds: readonly (readonly number[])[],
    options: GenerationOptions = {},
  ): AsyncGenerator<StreamStep, void, void> {
    return generateStream(this, inputIds, options);
  }

  startDecoding(input: DecodingInput): Seq2SeqDecodingSession {
    return new Seq2SeqDecodingSession(this, input);
  }
}
