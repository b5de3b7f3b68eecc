import * as tf from '@tensorflow/tfjs';
import { Embedding, LayerNorm, Linear } from '@weft/attention';
import { z } from 'zod';
import {
  type KeyMap,
  type LoadOptions,
  loadPretrained,
  ModelRegistry,
  type ModelSource,
  PretrainedModel,
  scopeOf,
} from '../src/index.js';

/** A family with all that a real one has: a base, heads, a tie, old spellings, keys to ignore. */
export const toyConfigSchema = z.looseObject({
  model_type: z.literal('toy').default('toy'),
  vocab_size: z.int().positive().default(6),
  width: z.int().positive().default(4),
  num_labels: z.int().positive().default(2),
  tie_word_embeddings: z.boolean().default(true),
  architectures: z.array(z.string()).nullish(),
});
export type ToyConfig = z.infer<typeof toyConfigSchema>;

export const toyKeyMap: KeyMap = {
  basePrefix: 'toy',
  renames: [
    [/\.gamma$/, '.weight'],
    [/\.beta$/, '.bias'],
  ],
  ignored: [/position_ids$/],
  vocabulary: [/(^|\.)wte\.weight$/, /^lm_head\.weight$/],
};

export class ToyModel extends PretrainedModel<ToyConfig> {
  static readonly architecture = 'ToyModel';
  static readonly configSchema = toyConfigSchema;
  static readonly keyMap = toyKeyMap;
  readonly wte: Embedding;
  readonly LayerNorm: LayerNorm;

  constructor(config: ToyConfig, source: ModelSource = {}) {
    super(config);
    const scope = scopeOf(source);
    const { vocab_size: vocabSize, width } = config;
    this.wte = new Embedding(scope.child('wte'), { vocabSize, width });
    this.LayerNorm = new LayerNorm(scope.child('LayerNorm'), { width });
  }

  forward(ids: number[]): tf.Tensor {
    return tf.tidy(() => this.LayerNorm.forward(this.wte.forward(tf.tensor1d(ids, 'int32'))));
  }

  static fromPretrained(source: string, options: LoadOptions = {}): Promise<ToyModel> {
    return loadPretrained(ToyModel, source, options);
  }
}

export class ToyForLM extends PretrainedModel<ToyConfig> {
  static readonly architecture = 'ToyForLM';
  static readonly configSchema = toyConfigSchema;
  static readonly keyMap = toyKeyMap;
  static readonly tiedKeys = [/^lm_head\.weight$/];
  readonly toy: ToyModel;
  readonly lm_head: Linear | { weight: tf.Variable };

  constructor(config: ToyConfig, source: ModelSource = {}) {
    super(config);
    const scope = scopeOf(source);
    this.toy = new ToyModel(config, scope.child('toy'));
    const sizes = { inFeatures: config.width, outFeatures: config.vocab_size, bias: false };
    this.lm_head = config.tie_word_embeddings ? this.toy.wte : new Linear(scope.child('lm_head'), sizes);
  }
}

export class ToyForClassification extends PretrainedModel<ToyConfig> {
  static readonly architecture = 'ToyForClassification';
  static readonly configSchema = toyConfigSchema;
  static readonly keyMap = toyKeyMap;
  static readonly tiedKeys = [/^lm_head\.weight$/];
  static readonly headKeys = [/^classifier\./];
  readonly toy: ToyModel;
  readonly classifier: Linear;

  constructor(config: ToyConfig, source: ModelSource = {}) {
    super(config);
    const scope = scopeOf(source);
    this.toy = new ToyModel(config, scope.child('toy'));
    this.classifier = new Linear(scope.child('classifier'), {
      inFeatures: config.width,
      outFeatures: config.num_labels,
    });
  }
}

export const toys = new ModelRegistry<PretrainedModel<ToyConfig>>('toys')
  .register('toy', 'ToyForLM', (source, options) => loadPretrained(ToyForLM, source, options))
  .register('toy', 'ToyForClassification', (source, options) =>
    loadPretrained(ToyForClassification, source, options),
  );
