import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { ServedModelOptions } from './options.js';

/** What is served where nobody names a model. */
export interface DefaultModels {
  models: ServedModelOptions[];
  /** What people should know about them, in a line. */
  notice: string;
  /** Takes back what was written for them. */
  dispose(): Promise<void>;
}

interface MiniModels {
  miniModelFor?: (task: string) => string | undefined;
}

/** By a name that is not known at build time: the package is there or it is not. */
const MINI_MODELS = '@weft/mini-models';
const TASKS = [
  'text-generation',
  'text-classification',
  'question-answering',
  'fill-mask',
  'token-classification',
  'feature-extraction',
  'translation',
  'summarization',
];

/**
 * The models that a server without `--model` serves: those of `@weft/mini-models` where that is installed, else small
 * random ones, made on the spot.
 *
 * @example
 * ```ts
 * import { defaultModels } from '@weft/demo-server';
 *
 * const { models, notice, dispose } = await defaultModels();
 * console.assert(models.length > 0 && notice !== '');
 * await dispose();
 * ```
 */
export async function defaultModels(): Promise<DefaultModels> {
  const mini = (await import(MINI_MODELS).catch(() => undefined)) as MiniModels | undefined;
  const folders = new Set(
    TASKS.map((task) => mini?.miniModelFor?.(task)).filter((found) => found !== undefined),
  );
  if (folders.size > 0) {
    return {
      models: [...folders].map((source) => ({ source, id: basename(source), localFilesOnly: true })),
      notice: 'Serving the small models of @weft/mini-models; name others with --model.',
      dispose: async () => {},
    };
  }
  // Loads the models' packages, which a server that is given models never needs in its main thread.
  const { writeRandomModels } = await import('./random-models.js');
  const folder = await mkdtemp(join(tmpdir(), 'weft-random-'));
  return {
    models: await writeRandomModels(folder),
    notice:
      'No model was named: serving small ones with random weights, which answer nonsense. Name real ones with --model <folder or id>.',
    dispose: () => rm(folder, { recursive: true, force: true }),
  };
}
