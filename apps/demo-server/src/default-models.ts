import type { ServedModelOptions } from './options.js';

/** What is served where nobody names a model. */
export interface DefaultModels {
  models: ServedModelOptions[];
  /** What people should know about them, in a line. */
  notice: string;
}

/**
 * The models that a server without `--model` serves: the small ones of `@weft/mini-models`, in the order in which a view
 * of the page takes the first that can do its work.
 *
 * @example
 * ```ts
 * import { defaultModels } from '@weft/demo-server';
 *
 * const { models, notice } = await defaultModels();
 * console.assert(models.length > 0 && notice !== '');
 * ```
 */
export async function defaultModels(): Promise<DefaultModels> {
  const { miniModels } = await import('@weft/mini-models');
  return {
    models: miniModels().map(({ name, folder }) => ({ id: name, source: folder, localFilesOnly: true })),
    notice:
      "No model was named: serving weft's own small ones (@weft/mini-models). Name real ones with --model <folder or id>.",
  };
}
