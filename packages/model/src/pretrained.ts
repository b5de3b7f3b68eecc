import { join } from 'node:path';

import tf = require('@tensorflow/tfjs');

import { Module, randomSource, Scope, weightsSource } from '@weft/attention';
import {
  type Allocate,
  type HubOptions,
  openWeights,
  parseConfig,
  readJson,
  resolveModelFiles,
  saveWeights,
  type TensorsToWrite,
  writeJsonAtomic,
} from '@weft/checkpoint';
import type { GenerationOptions } from '@weft/generation';
import type { z } from 'zod';
import { generationOptionsFrom } from './generation-config.js';
import { type KeyMap, resolveKeys } from './key-map.js';
import { resizeVocabulary } from './resize.js';

export interface BaseConfig {
  model_type: string;
  architectures?: string[] | null | undefined;
  [key: string]: unknown;
}

/** How a checkpoint is loaded. */
export interface LoadOptions extends HubOptions {
  /** Values put over those of config.json, in its spelling. */
  config?: Record<string, unknown>;
  /** Draw parameters anew whose shape in the file differs, instead of failing. */
  ignoreMismatchedSizes?: boolean;
  /** Seed of parameters that the checkpoint does not hold, such as a new head's. Default: 0. */
  seed?: number;
  /** Where warnings go. Default: console.warn. */
  warn?: (message: string) => void;
}

/** What a model class states about itself, as statics. */
export interface ModelClass<M extends PretrainedModel<C>, C extends BaseConfig> {
  new (config: C, source: ModelSource): M;
  /** Its name in `architectures`. */
  readonly architecture: string;
  readonly configSchema: z.ZodType<C>;
  readonly keyMap: KeyMap;
  /** Parameters that a checkpoint of another head lacks and that are then drawn: patterns of keys. */
  readonly headKeys?: readonly RegExp[];
  /** Keys that are copies of others where the configuration ties word embeddings, and are not read then. */
  readonly tiedKeys?: readonly RegExp[];
}

/** Where a new model's parameters come from: a seed, or a scope over a checkpoint. */
export type ModelSource = { seed?: number } | Scope;

export interface SaveOptions {
  /** Default: F32. */
  dtype?: 'F32' | 'F16' | 'BF16';
  /** Bytes a file. Default: 5 GB. */
  maxShardSize?: number;
}

/** The base of every model that is loaded from and saved to Hugging Face folders. */
export abstract class PretrainedModel<C extends BaseConfig> extends Module {
  readonly config: C;
  /** From generation_config.json, else from config.json. */
  generationDefaults: GenerationOptions;

  constructor(config: C) {
    super();
    this.config = config;
    this.generationDefaults = generationOptionsFrom(config);
  }

  /**
   * Writes config.json, generation_config.json (where the model has one) and model.safetensors, such that Python
   * loads the folder. Tied parameters are written once.
   */
  async savePretrained(folder: string, { dtype = 'F32', ...options }: SaveOptions = {}): Promise<void> {
    const tensors: TensorsToWrite = {};
    for (const [key, parameter] of this.namedParameters()) {
      tensors[key] = { dtype, shape: parameter.shape, data: parameter.dataSync() as Float32Array };
    }
    await saveWeights(folder, tensors, options);
    if (this.#generationConfig)
      await writeJsonAtomic(join(folder, 'generation_config.json'), this.#generationConfig);
    const { architecture } = this.constructor as unknown as ModelClass<this, C>;
    const dtypes = { F32: 'float32', F16: 'float16', BF16: 'bfloat16' };
    // The old spelling of dtype would contradict the new one.
    const { torch_dtype: _, ...config } = this.config;
    await writeJsonAtomic(join(folder, 'config.json'), {
      ...config,
      architectures: [architecture],
      dtype: dtypes[dtype],
    });
  }

  /**
   * Makes room for a vocabulary of another size, for tokens that were added to the tokenizer. New rows begin as the
   * mean of the old ones, as transformers has it; parameters are new variables, so call this before training.
   *
   * @throws InputError when the size is none, ConfigError when the family does not say which parameters follow it
   */
  resizeTokenEmbeddings(size: number): void {
    const { keyMap, architecture } = this.constructor as unknown as ModelClass<this, C>;
    resizeVocabulary(this, size, keyMap.vocabulary ?? [], architecture);
    Object.assign(this.config, { vocab_size: size });
  }

  #generationConfig: Record<string, unknown> | undefined;

  /** Takes over the model's generation_config.json. */
  useGenerationConfig(config: Record<string, unknown>): void {
    this.#generationConfig = config;
    this.generationDefaults = { ...this.generationDefaults, ...generationOptionsFrom(config) };
  }
}

/** The scope that a model's constructor takes its parameters from. */
export function scopeOf(source: ModelSource): Scope {
  return source instanceof Scope ? source : new Scope(randomSource(source.seed ?? 0));
}

const files = { config: 'config.json', generation: 'generation_config.json' } as const;

/**
 * Loads a model class from a folder or the hub: configuration, weights through the family's key map, generation
 * defaults. All keys that do not fit are told in one error.
 *
 * @throws ConfigError, CheckpointError, DownloadError
 */
export async function loadPretrained<M extends PretrainedModel<C>, C extends BaseConfig>(
  model: ModelClass<M, C>,
  source: string,
  options: LoadOptions = {},
): Promise<M> {
  const { warn = console.warn } = options;
  const paths = await resolveModelFiles(source, {
    ...options,
    files: [files.config],
    optionalFiles: [files.generation],
  });
  const stored = (await readJson(paths[files.config]!)) as Record<string, unknown>;
  const config = parseConfig({ ...stored, ...options.config }, model.configSchema, paths[files.config]!);

  using weights = await openWeights(source, options);
  const names = weights.names();
  const tied = config.tie_word_embeddings === false ? [] : (model.tiedKeys ?? []);
  const ignored = [...(model.keyMap.ignored ?? []), ...tied];
  const { resolve, isIgnored } = resolveKeys(names, { ...model.keyMap, ignored });
  const read = names.filter((name) => !isIgnored(name));
  const values = await weights.readAllFloat32(read, allocator());
  const parameters = weightsSource(
    {
      names: () => names,
      shape: (name) => (weights.has(name) ? weights.info(name).shape : undefined),
      // Each tensor takes its array over as it is; the map lets go of it, so that nothing is held twice.
      read: (name) => {
        const array = values.get(name)!;
        values.delete(name);
        return array;
      },
    },
    {
      resolve,
      file: source,
      mayBeMissing: (key) => (model.headKeys ?? []).some((pattern) => pattern.test(key)),
      ...(options.ignoreMismatchedSizes === undefined
        ? {}
        : { ignoreMismatchedSizes: options.ignoreMismatchedSizes }),
      ...(options.seed === undefined ? {} : { seed: options.seed }),
    },
  );
  const loaded = new model(config, new Scope(parameters));
  try {
    const { initialized, mismatched, unexpected } = parameters.finish();
    const fresh = [...initialized, ...mismatched];
    if (fresh.length > 0) {
      warn(
        `${model.architecture}: ${fresh.join(', ')} not in ${source}, drawn anew: train before you rely on them`,
      );
    }
    const unused = unexpected.filter((name) => !isIgnored(name));
    if (unused.length > 0) warn(`${model.architecture}: not used from ${source}: ${unused.join(', ')}`);
  } catch (error) {
    loaded.dispose();
    throw error;
  }
  const generation = paths[files.generation];
  if (generation !== undefined)
    loaded.useGenerationConfig((await readJson(generation)) as Record<string, unknown>);
  return loaded;
}

/** Memory for weights as the active backend wants it, where it has a wish: reading large pages is faster. */
function allocator(): Allocate | undefined {
  const backend = tf.backend() as { allocate?: Allocate };
  return backend.allocate?.bind(backend);
}
