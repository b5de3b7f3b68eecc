import { type HubOptions, readJson, resolveModelFiles } from '@weft/checkpoint';
import { ConfigError } from '@weft/errors';
import type { LoadOptions, PretrainedModel } from './pretrained.js';

/** Loads one architecture. */
export type Loader<M = PretrainedModel<never>, O extends LoadOptions = LoadOptions> = (
  source: string,
  options?: O,
) => Promise<M>;

/** Architectures by the task that they serve, and by model type for checkpoints that name none. */
export class ModelRegistry<M, O extends LoadOptions = LoadOptions> {
  readonly task: string;
  #byArchitecture = new Map<string, Loader<M, O>>();
  #byModelType = new Map<string, Loader<M, O>>();

  constructor(task: string) {
    this.task = task;
  }

  register(modelType: string, architecture: string, load: Loader<M, O>): this {
    this.#byArchitecture.set(architecture, load);
    if (!this.#byModelType.has(modelType)) this.#byModelType.set(modelType, load);
    return this;
  }

  /**
   * Loads the class that config.json names in `architectures`, or the one for its `model_type`.
   *
   * @throws ConfigError when neither is known here
   */
  async fromPretrained(source: string, options?: O): Promise<M> {
    const { architectures, model_type: modelType } = await readIdentity(source, options ?? {});
    const named = architectures.find((name) => this.#byArchitecture.has(name));
    const load = named === undefined ? this.#byModelType.get(modelType) : this.#byArchitecture.get(named);
    if (load) return load(source, options);
    throw new ConfigError({
      operation: `load a model for ${this.task}`,
      expected: `one of ${[...this.#byArchitecture.keys()].join(', ')}`,
      received: `model type ${modelType}, architectures ${architectures.join(', ') || 'none'}`,
      remedy: 'choose a checkpoint of one of these families',
    });
  }
}

async function readIdentity(
  source: string,
  options: HubOptions,
): Promise<{ architectures: string[]; model_type: string }> {
  const { 'config.json': path } = await resolveModelFiles(source, { ...options, files: ['config.json'] });
  const config = (await readJson(path!)) as { architectures?: unknown; model_type?: unknown };
  const architectures = Array.isArray(config.architectures) ? config.architectures.map(String) : [];
  return { architectures, model_type: String(config.model_type ?? '') };
}
