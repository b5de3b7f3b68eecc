import tf = require('@tensorflow/tfjs');

import {
  Embedding,
  forwardAll,
  hasDecoderStep,
  type IdRows,
  idTensor,
  KeyValueCache,
  normal,
} from '@weft/attention';
import { InputError } from '@weft/errors';
import {
  type LoadOptions,
  loadPretrained,
  type Memory,
  type ModelSource,
  PretrainedModel,
  type Seq2SeqOutputs,
  scopeOf,
} from '@weft/model';
import { type T5Config, t5ConfigSchema, t5KeyMap } from './config.js';
import { DecoderBlock, EncoderBlock } from './modeling.js';
import { decodeStep, Stack } from './stack.js';

export interface T5EncoderInputs {
  /** [B, S] */
  inputIds: IdRows;
  /** [B, S], 1 keep, 0 hide */
  attentionMask?: IdRows;
  outputHiddenStates?: boolean;
  outputAttentions?: boolean;
  /** Run each block again in the backward pass instead of keeping its activations. */
  gradientCheckpointing?: boolean;
}

export interface T5EncoderOutputs {
  /** [B, S, E] */
  lastHiddenState: tf.Tensor3D;
  /** Layers + 1 tensors [B, S, E] */
  hiddenStates?: tf.Tensor3D[];
  /** One a layer, [B, H, S, S] */
  attentions?: tf.Tensor4D[];
}

export interface T5Inputs extends T5EncoderInputs {
  /** [B, T] */
  decoderInputIds: IdRows;
  /** [B, T], 1 keep, 0 hide */
  decoderAttentionMask?: IdRows;
}

/** Lists of states and attentions are there when they were asked for. */
export type T5Outputs = Seq2SeqOutputs;

const MAX_LENGTH = 2 ** 20;

type Encoder = Stack<EncoderBlock>;
type Decoder = Stack<DecoderBlock>;

function encode(
  shared: Embedding,
  encoder: Encoder,
  { inputIds, attentionMask, outputHiddenStates, outputAttentions, gradientCheckpointing }: T5EncoderInputs,
  embedded = shared.forward(idTensor(inputIds)), // [B, S, E]
): T5EncoderOutputs {
  checkCheckpointing({ outputAttentions, gradientCheckpointing });
  const hiddenStates: tf.Tensor[] | undefined = outputHiddenStates ? [] : undefined;
  const attentions: tf.Tensor[] | undefined = outputAttentions ? [] : undefined;
  const lastHiddenState = encoder.run(
    embedded,
    {
      ...(attentionMask ? { keyPaddingMask: idTensor(attentionMask, 'attentionMask') } : {}),
      ...(attentions ? { attentions } : {}),
      ...(gradientCheckpointing ? { gradientCheckpointing } : {}),
    },
    0,
    hiddenStates,
  ) as tf.Tensor3D;
  return {
    lastHiddenState,
    ...(hiddenStates ? { hiddenStates: hiddenStates as tf.Tensor3D[] } : {}),
    ...(attentions ? { attentions: attentions as tf.Tensor4D[] } : {}),
  };
}

/** What a block drops and computes again cannot be given out too. */
function checkCheckpointing({
  outputAttentions,
  gradientCheckpointing,
}: Pick<T5EncoderInputs, 'outputAttentions' | 'gradientCheckpointing'>): void {
  if (!(outputAttentions && gradientCheckpointing)) return;
  throw new InputError({
    operation: 'T5',
    expected: 'outputAttentions or gradientCheckpointing',
    received: 'both',
    remedy: 'leave one of them out',
  });
}

const newShared = (scope: ReturnType<typeof scopeOf>, config: T5Config): Embedding =>
  new Embedding(scope.child('shared'), {
    vocabSize: config.vocab_size,
    width: config.d_model,
    initialize: normal(config.initializer_factor),
  });

/** The encoder alone, for embeddings and classifiers. */
export class T5EncoderModel extends PretrainedModel<T5Config> {
  static readonly architecture = 'T5EncoderModel';
  static readonly configSchema = t5ConfigSchema;
  static readonly keyMap = {
    ...t5KeyMap,
    ignored: [...(t5KeyMap.ignored ?? []), /^decoder\./, /^lm_head\./],
  };

  readonly shared: Embedding;
  readonly encoder: Encoder;

  constructor(config: T5Config, source: ModelSource = {}) {
    super(config);
    const scope = scopeOf(source);
    this.shared = newShared(scope, config);
    this.encoder = new Stack(scope.child('encoder'), config, config.num_layers, EncoderBlock);
  }

  static fromPretrained(source: string, options: LoadOptions = {}): Promise<T5EncoderModel> {
    return loadPretrained(T5EncoderModel, source, options);
  }

  forward(inputs: T5EncoderInputs): T5EncoderOutputs {
    return tf.tidy(() => encode(this.shared, this.encoder, inputs) as T5EncoderOutputs & tf.TensorContainer);
  }
}

/** Encoder and decoder, without a head. */
export class T5Model extends PretrainedModel<T5Config> {
  static readonly architecture: string = 'T5Model';
  static readonly configSchema = t5ConfigSchema;
  static readonly keyMap = t5KeyMap;
  static readonly tiedKeys = [/^lm_head\.weight$/];
  readonly supportsGradientCheckpointing = true;

  readonly shared: Embedding;
  readonly encoder: Encoder;
  readonly decoder: Decoder;

  constructor(config: T5Config, source: ModelSource = {}) {
    super(config);
    const scope = scopeOf(source);
    this.shared = newShared(scope, config);
    this.encoder = new Stack(scope.child('encoder'), config, config.num_layers, EncoderBlock);
    this.decoder = new Stack(
      scope.child('decoder'),
      config,
      config.num_decoder_layers ?? config.num_layers,
      DecoderBlock,
    );
  }

  static fromPretrained(source: string, options: LoadOptions = {}): Promise<T5Model> {
    return loadPretrained(T5Model, source, options);
  }

  forward(inputs: T5Inputs): T5Outputs {
    return tf.tidy(() => this.run(inputs) as T5Outputs & tf.TensorContainer);
  }

  /** The encoder's states [B, S, E] and more on request. Call inside tf.tidy. */
  encode(inputs: T5EncoderInputs): T5EncoderOutputs {
    return encode(this.shared, this.encoder, inputs);
  }

  /** Keys and values of the encoder's states for every decoder layer. Call inside tf.tidy. */
  remember(states: tf.Tensor, attentionMask?: IdRows): Memory {
    const layers = this.decoder.block.flatMap((block) => block.memoryLinears);
    const all = forwardAll(layers, states); // keys and values of each layer, [B, S, I]
    return {
      projected: this.decoder.block.map((_, layer) => ({ key: all[2 * layer]!, value: all[2 * layer + 1]! })),
      ...(attentionMask ? { paddingMask: idTensor(attentionMask, 'attentionMask') } : {}),
    };
  }

  /** The decoder's states [B, T, E] over a memory. Call inside tf.tidy. */
  decode(
    decoderInputIds: IdRows,
    memory: Memory,
    options: {
      decoderAttentionMask?: IdRows;
      cache?: KeyValueCache;
      hiddenStates?: tf.Tensor[];
      attentions?: tf.Tensor[];
      crossAttentions?: tf.Tensor[];
      gradientCheckpointing?: boolean;
      /** Of the ids, [B, T, E], where they have been looked up already. */
      embedded?: tf.Tensor;
    } = {},
  ): tf.Tensor3D {
    const { decoderAttentionMask, cache, hiddenStates, attentions, crossAttentions } = options;
    const ids = idTensor(decoderInputIds, 'decoderInputIds'); // [B, T]
    const embedded = options.embedded ?? this.shared.forward(ids); // [B, T, E]
    const statesOnly = !(decoderAttentionMask || hiddenStates || attentions || crossAttentions);
    if (cache && statesOnly && !this.training && hasDecoderStep(embedded)) {
      const states = decodeStep(this.decoder, embedded, cache, memory);
      cache.advance(1);
      return states as tf.Tensor3D;
    }
    const states = this.decoder.run(
      embedded,
      {
        memory: (layer) => memory.projected[layer]!,
        ...(memory.paddingMask ? { memoryPaddingMask: memory.paddingMask } : {}),
        ...(decoderAttentionMask
          ? { keyPaddingMask: idTensor(decoderAttentionMask, 'decoderAttentionMask') }
          : {}),
        ...(cache ? { cache } : {}),
        ...(attentions ? { attentions } : {}),
        ...(crossAttentions ? { crossAttentions } : {}),
        ...(options.gradientCheckpointing ? { gradientCheckpointing: true } : {}),
      },
      cache?.length ?? 0,
      hiddenStates,
    );
    cache?.advance(ids.shape[1]);
    return states as tf.Tensor3D;
  }

  /** An empty cache for the decoder, which has no table of positions: it grows as far as a caller generates. */
  newCache(sharesRows = false): KeyValueCache {
    return new KeyValueCache({ numLayers: this.decoder.block.length, maxLength: MAX_LENGTH, sharesRows });
  }

  protected run(inputs: T5Inputs): T5Outputs {
    const { outputHiddenStates, outputAttentions, decoderInputIds, decoderAttentionMask, attentionMask } =
      inputs;
    const [source, target] = this.#embedBoth(
      idTensor(inputs.inputIds),
      idTensor(decoderInputIds, 'decoderInputIds'),
    );
    const encoded = encode(this.shared, this.encoder, inputs, source);
    const collect = <T>(wanted: boolean | undefined): T[] | undefined => (wanted ? [] : undefined);
    const hiddenStates = collect<tf.Tensor>(outputHiddenStates);
    const attentions = collect<tf.Tensor>(outputAttentions);
    const crossAttentions = collect<tf.Tensor>(outputAttentions);
    const lastHiddenState = this.decode(
      decoderInputIds,
      this.remember(encoded.lastHiddenState, attentionMask),
      {
        embedded: target,
        ...(decoderAttentionMask ? { decoderAttentionMask } : {}),
        ...(hiddenStates ? { hiddenStates } : {}),
        ...(attentions && crossAttentions ? { attentions, crossAttentions } : {}),
        ...(inputs.gradientCheckpointing ? { gradientCheckpointing: true } : {}),
      },
    );
    return {
      lastHiddenState,
      encoderLastHiddenState: encoded.lastHiddenState,
      ...(encoded.hiddenStates ? { encoderHiddenStates: encoded.hiddenStates } : {}),
      ...(encoded.attentions ? { encoderAttentions: encoded.attentions } : {}),
      ...(hiddenStates ? { decoderHiddenStates: hiddenStates as tf.Tensor3D[] } : {}),
      ...(attentions ? { decoderAttentions: attentions as tf.Tensor4D[] } : {}),
      ...(crossAttentions ? { crossAttentions: crossAttentions as tf.Tensor4D[] } : {}),
    };
  }

  /** [B, S] and [B, T] -> [B, S, E] and [B, T, E], looked up at once: each look-up costs a gradient of the whole table. */
  #embedBoth(source: tf.Tensor2D, target: tf.Tensor2D): [tf.Tensor, tf.Tensor] {
    const rows = this.shared.forward(tf.concat([source.flatten(), target.flatten()])); // [B * (S + T), E]
    const [first, second] = tf.split(rows, [source.size, target.size]);
    return [first!.reshape([...source.shape, -1]), second!.reshape([...target.shape, -1])];
  }
}
