import tf = require('@tensorflow/tfjs');

import {
  crossEntropy,
  type IdRows,
  idTensor,
  Linear,
  likeliestToken,
  linear,
  linearCrossEntropy,
  normal,
  shiftRight,
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
  type ModelSource,
  type Seq2SeqDecoder,
  Seq2SeqDecodingSession,
  scopeOf,
} from '@weft/model';
import type { T5Config } from './config.js';
import { type T5Inputs, T5Model, type T5Outputs } from './model.js';
import { checkTie, explainMissingHead } from './tie.js';

export interface T5ConditionalInputs extends Omit<T5Inputs, 'decoderInputIds'> {
  /** Default: the labels moved right by one, behind the start token. */
  decoderInputIds?: IdRows;
  /** [B, T]; -100 counts nothing. */
  labels?: IdRows;
  lossReduction?: 'mean' | 'sum';
  labelSmoothing?: number;
  /** Default: true. Without logits a loss never needs all of them at once. */
  outputLogits?: boolean;
}

export interface T5ConditionalOutputs extends Omit<T5Outputs, 'lastHiddenState'> {
  loss?: tf.Scalar;
  /** [B, T, V]; present unless `outputLogits` is false. */
  logits?: tf.Tensor3D;
}

type WithLogits = T5ConditionalOutputs & { logits: tf.Tensor3D };

/**
 * T5 with its language-modelling head: text to text.
 *
 * @example
 * ```ts
 * import { T5ForConditionalGeneration, t5ConfigSchema } from '@weft/t5';
 *
 * const config = t5ConfigSchema.parse({ vocab_size: 50, d_model: 16, d_kv: 4, d_ff: 32, num_layers: 1, num_heads: 4 });
 * using model = new T5ForConditionalGeneration(config, { seed: 1 });
 * const { loss, logits } = model.forward({ inputIds: [[5, 6, 1]], labels: [[7, 1]] });
 * console.assert(logits.shape.join() === '1,2,50' && loss!.dataSync()[0] > 0);
 * ```
 */
export class T5ForConditionalGeneration extends T5Model implements GenerativeModel, Seq2SeqDecoder {
  static override readonly architecture: string = 'T5ForConditionalGeneration';

  /** Only where the configuration does not tie it to the shared embeddings. */
  readonly lm_head?: Linear;
  readonly isEncoderDecoder = true;
  readonly scale: number;

  constructor(config: T5Config, source: ModelSource = {}) {
    const scope = scopeOf(source);
    super(config, scope);
    // Files of T5 leave the start token out: it is the padding token.
    const decoderStartTokenId = config.decoder_start_token_id ?? config.pad_token_id;
    this.generationDefaults = { decoderStartTokenId, ...this.generationDefaults };
    const scaled = config.scale_decoder_outputs ?? config.tie_word_embeddings;
    this.scale = scaled ? config.d_model ** -0.5 : 1;
    if (!config.tie_word_embeddings) {
      this.lm_head = new Linear(scope.child('lm_head'), {
        inFeatures: config.d_model,
        outFeatures: config.vocab_size,
        bias: false,
        initialize: normal(config.initializer_factor),
      });
    }
  }

  /**
   * Loads a folder or a model of the hub: t5-small, google/flan-t5-base, google/byt5-small and the like.
   *
   * @throws ConfigError, CheckpointError, DownloadError
   */
  static override async fromPretrained(
    source: string,
    options: LoadOptions = {},
  ): Promise<T5ForConditionalGeneration> {
    const model = await loadPretrained(T5ForConditionalGeneration, source, options).catch(
      (error: unknown) => {
        throw explainMissingHead(error, source);
      },
    );
    try {
      await checkTie(model, source, options);
    } catch (error) {
      model.dispose();
      throw error;
    }
    return model;
  }

  /** The head's weight [V, E]. */
  get outputWeight(): tf.Variable {
    return (this.lm_head ?? this.shared).weight;
  }

  override forward(inputs: T5ConditionalInputs & { outputLogits: false }): T5ConditionalOutputs & T5Outputs;
  override forward(inputs: T5ConditionalInputs): WithLogits & T5Outputs;
  override forward({
    labels,
    lossReduction,
    labelSmoothing,
    outputLogits = true,
    ...inputs
  }: T5ConditionalInputs): T5ConditionalOutputs & T5Outputs {
    return tf.tidy(() => {
      const targets = labels ? idTensor(labels, 'labels') : undefined; // [B, T]
      const decoderInputIds =
        inputs.decoderInputIds ??
        shiftRight(
          targets,
          {
            start: this.config.decoder_start_token_id ?? this.config.pad_token_id,
            padding: this.config.pad_token_id,
          },
          'T5ForConditionalGeneration',
        );
      const outputs = this.run({ ...inputs, decoderInputIds });
      const [batch, length, width] = outputs.lastHiddenState.shape;
      const hidden = this.scaled(outputs.lastHiddenState.reshape([batch * length, width])); // [B * T, E]
      const options = {
        ...(lossReduction ? { reduction: lossReduction } : {}),
        ...(labelSmoothing ? { labelSmoothing } : {}),
      };
      const flat = targets?.reshape([batch * length]);
      if (!outputLogits) {
        const loss = flat ? linearCrossEntropy(hidden, this.outputWeight, flat, options) : undefined;
        return { ...outputs, ...(loss ? { loss } : {}) } as T5Outputs & tf.TensorContainer;
      }
      const scores = linear(hidden, this.outputWeight); // [B * T, V]
      const loss = flat ? crossEntropy(scores, flat, options) : undefined;
      const logits = scores.reshape([batch, length, -1]) as tf.Tensor3D;
      return { ...outputs, logits, ...(loss ? { loss } : {}) } as WithLogits & T5Outputs & tf.TensorContainer;
    });
  }

  get vocabSize(): number {
    return this.outputWeight.shape[0]!;
  }

  /** Logits [rows, V] of the decoder's states [rows, E]. */
  score(states: tf.Tensor): tf.Tensor {
    return linear(this.scaled(states), this.outputWeight);
  }

  /** The token with the greatest logit, int32 [rows], of the decoder's states [rows, E]. */
  likeliest(states: tf.Tensor): tf.Tensor {
    return likeliestToken(this.scaled(states), this.outputWeight);
  }

  /** Hidden states as the head wants them: scaled where it is tied to the embeddings. */
  scaled(hidden: tf.Tensor): tf.Tensor {
    return this.scale === 1 ? hidden : tf.mul(hidden, this.scale);
  }

  /** Generates a text for each source; sources of different lengths are padded. */
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
