import tf = require('@tensorflow/tfjs');

import { Embedding, type IdRows, idTensor, KeyValueCache, normal } from '@weft/attention';
import { ConfigError, InputError } from '@weft/errors';
import {
  type LoadOptions,
  loadPretrained,
  type Memory,
  type ModelSource,
  PretrainedModel,
  type Seq2SeqOutputs,
  scopeOf,
} from '@weft/model';
import { type MarianConfig, marianConfigSchema, marianKeyMap } from './config.js';
import { DecoderLayer, EncoderLayer, positions, Stack } from './modeling.js';

export interface MarianEncoderInputs {
  /** [B, S] */
  inputIds: IdRows;
  /** [B, S], 1 keep, 0 hide */
  attentionMask?: IdRows;
  outputHiddenStates?: boolean;
  outputAttentions?: boolean;
  /** Run each layer again in the backward pass instead of keeping its activations. */
  gradientCheckpointing?: boolean;
}

export interface MarianInputs extends MarianEncoderInputs {
  /** [B, T] */
  decoderInputIds: IdRows;
  /** [B, T], 1 keep, 0 hide */
  decoderAttentionMask?: IdRows;
}

/** Lists of states and attentions are there when they were asked for. */
export type MarianOutputs = Seq2SeqOutputs;

interface Collected {
  hiddenStates: tf.Tensor[] | undefined;
  attentions: tf.Tensor[] | undefined;
}

/** Encoder and decoder, without a head: the base model, whose keys have no prefix (`shared.weight`). */
export class MarianModel extends PretrainedModel<MarianConfig> {
  static readonly architecture: string = 'MarianModel';
  static readonly configSchema = marianConfigSchema;
  static readonly keyMap = marianKeyMap;

  readonly shared: Embedding;
  readonly encoder: Stack<EncoderLayer>;
  readonly decoder: Stack<DecoderLayer>;
  readonly supportsGradientCheckpointing = true;

  constructor(config: MarianConfig, source: ModelSource = {}) {
    super(config);
    checkConfig(config);
    const scope = scopeOf(source);
    this.shared = new Embedding(scope.child('shared'), {
      vocabSize: config.vocab_size,
      width: config.d_model,
      // As PyTorch has it, the row of the padding token is not trained as an input.
      paddingIndex: config.pad_token_id,
      initialize: normal(config.init_std),
    });
    this.encoder = new Stack(scope.child('encoder'), config, config.encoder_layers, EncoderLayer);
    this.decoder = new Stack(scope.child('decoder'), config, config.decoder_layers, DecoderLayer);
  }

  static fromPretrained(source: string, options: LoadOptions = {}): Promise<MarianModel> {
    return loadPretrained(MarianModel, source, options);
  }

  forward(inputs: MarianInputs): MarianOutputs {
    return tf.tidy(() => this.run(inputs) as MarianOutputs & tf.TensorContainer);
  }

  /** The encoder's states [B, S, E]. Call inside tf.tidy. */
  encode(inputs: MarianEncoderInputs, collected?: Collected): { lastHiddenState: tf.Tensor3D } {
    const { attentionMask, gradientCheckpointing } = inputs;
    const lastHiddenState = this.encoder.run(
      this.#embed(idTensor(inputs.inputIds), 0),
      {
        ...(attentionMask ? { keyPaddingMask: idTensor(attentionMask, 'attentionMask') } : {}),
        ...(collected?.attentions ? { attentions: collected.attentions } : {}),
        ...(gradientCheckpointing ? { gradientCheckpointing } : {}),
      },
      collected?.hiddenStates,
    );
    return { lastHiddenState: lastHiddenState as tf.Tensor3D };
  }

  /** Keys and values of the encoder's states for every decoder layer. Call inside tf.tidy. */
  remember(states: tf.Tensor, attentionMask?: IdRows): Memory {
    return {
      projected: this.decoder.layers.map((layer) => layer.encoder_attn.keysAndValues(states)),
      ...(attentionMask ? { paddingMask: idTensor(attentionMask, 'attentionMask') } : {}),
    };
  }

  /** The decoder's states [B, T, E] over a memory. Call inside tf.tidy. */
  decode(
    decoderInputIds: IdRows,
    { projected, paddingMask }: Memory,
    options: Partial<Collected> & {
      decoderAttentionMask?: IdRows;
      cache?: KeyValueCache;
      crossAttentions?: tf.Tensor[];
      gradientCheckpointing?: boolean;
    } = {},
  ): tf.Tensor3D {
    const { decoderAttentionMask: mask, cache, hiddenStates, attentions, crossAttentions } = options;
    const ids = idTensor(decoderInputIds, 'decoderInputIds'); // [B, T]
    const states = this.decoder.run(
      this.#embed(ids, cache?.length ?? 0),
      {
        memory: (layer) => projected[layer]!,
        ...(paddingMask ? { memoryPaddingMask: paddingMask } : {}),
        ...(mask ? { keyPaddingMask: idTensor(mask, 'decoderAttentionMask') } : {}),
        ...(cache ? { cache } : {}),
        ...(attentions ? { attentions } : {}),
        ...(crossAttentions ? { crossAttentions } : {}),
        ...(options.gradientCheckpointing ? { gradientCheckpointing: true } : {}),
      },
      hiddenStates,
    );
    cache?.advance(ids.shape[1]);
    return states as tf.Tensor3D;
  }

  newCache(sharesRows = false): KeyValueCache {
    const { decoder_layers: numLayers, max_position_embeddings: maxLength } = this.config;
    return new KeyValueCache({ numLayers, maxLength, sharesRows });
  }

  /** All outputs. Call inside tf.tidy. */
  run(inputs: MarianInputs): MarianOutputs {
    const { outputHiddenStates, outputAttentions, attentionMask, gradientCheckpointing } = inputs;
    if (outputAttentions && gradientCheckpointing) {
      throw new InputError({
        operation: 'MarianModel',
        expected: 'outputAttentions or gradientCheckpointing',
        received: 'both',
        remedy: 'leave one of them out',
      });
    }
    const collect = (): Collected => ({
      hiddenStates: outputHiddenStates ? [] : undefined,
      attentions: outputAttentions ? [] : undefined,
    });
    const [encoder, decoder] = [collect(), collect()];
    const crossAttentions: tf.Tensor[] = [];
    const { lastHiddenState: encoderLastHiddenState } = this.encode(inputs, encoder);
    const { decoderAttentionMask } = inputs;
    const lastHiddenState = this.decode(
      inputs.decoderInputIds,
      this.remember(encoderLastHiddenState, attentionMask),
      {
        ...decoder,
        ...(decoderAttentionMask ? { decoderAttentionMask } : {}),
        ...(outputAttentions ? { crossAttentions } : {}),
        ...(gradientCheckpointing ? { gradientCheckpointing } : {}),
      },
    );
    return {
      lastHiddenState,
      encoderLastHiddenState,
      ...(outputHiddenStates
        ? {
            encoderHiddenStates: encoder.hiddenStates as tf.Tensor3D[],
            decoderHiddenStates: decoder.hiddenStates as tf.Tensor3D[],
          }
        : {}),
      ...(outputAttentions
        ? {
            encoderAttentions: encoder.attentions as tf.Tensor4D[],
            decoderAttentions: decoder.attentions as tf.Tensor4D[],
            crossAttentions: crossAttentions as tf.Tensor4D[],
          }
        : {}),
    };
  }

  /** [B, T] -> [B, T, E], at positions from `start` on. */
  #embed(ids: tf.Tensor2D, start: number): tf.Tensor {
    const { d_model: width, scale_embedding: scaled, max_position_embeddings: most } = this.config;
    const length = ids.shape[1];
    if (start + length > most) {
      throw new InputError({
        operation: 'MarianModel',
        expected: `at most ${most} positions`,
        received: String(start + length),
        remedy: 'truncate the texts, or ask for fewer new tokens',
      });
    }
    const rows = this.shared.forward(ids); // [B, T, E]
    return tf.add(scaled ? tf.mul(rows, Math.sqrt(width)) : rows, positions(length, width, start));
  }
}

function checkConfig(config: MarianConfig): void {
  const fail = (expected: string, received: string, remedy: string): never => {
    throw new ConfigError({ operation: 'MarianModel', expected, received, remedy });
  };
  const { d_model: width, encoder_attention_heads: sources, decoder_attention_heads: targets } = config;
  if (width % sources !== 0 || width % targets !== 0) {
    fail(
      'a d_model that the heads divide',
      `d_model ${width}, heads ${sources} and ${targets}`,
      'make d_model a multiple of the numbers of heads',
    );
  }
  const vocabulary = config.decoder_vocab_size ?? config.vocab_size;
  const { share_encoder_decoder_embeddings: shared, tie_word_embeddings: tied } = config;
  if (!shared || !tied || vocabulary !== config.vocab_size) {
    fail(
      'one table of embeddings for source, target and output',
      `share_encoder_decoder_embeddings ${shared}, tie_word_embeddings ${tied}, vocabularies ${config.vocab_size} and ${vocabulary}`,
      'choose a model whose two languages share their vocabulary, as nearly all of OPUS-MT do',
    );
  }
}
