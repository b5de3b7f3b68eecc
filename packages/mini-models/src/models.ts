import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CheckpointError, InputError } from '@weft/errors';
import { aliases, type CatalogueEntry, catalogue, type MiniModelName } from './catalogue.js';

/** A small checkpoint that weft trained itself, in a folder in Hugging Face's layout. */
export interface MiniModel {
  readonly name: MiniModelName;
  /** What to pass where a model is asked for: a path of this machine. */
  readonly folder: string;
  /** What the model is, in a line. */
  readonly description: string;
  /** The tasks that it can do, by the names that pipelines take. */
  readonly tasks: readonly string[];
  /** Size of the folder on disk. */
  readonly bytes: number;
}

// The same from src/ and from dist/.
const root = fileURLToPath(new URL('../models/', import.meta.url));

const names = Object.keys(catalogue) as MiniModelName[];

/**
 * All models of the package.
 *
 * @throws CheckpointError where a folder of the package was taken away
 * @example
 * ```ts
 * import { miniModels } from '@weft/mini-models';
 *
 * for (const { name, tasks, bytes } of miniModels()) console.log(name, tasks.join(', '), bytes);
 * console.assert(miniModels().length === 6);
 * ```
 */
export function miniModels(): readonly MiniModel[] {
  return names.map(miniModel);
}

/**
 * One model by its name.
 *
 * @throws InputError for a name that is none of theirs, CheckpointError where its folder was taken away
 * @example
 * ```ts
 * import { miniModel } from '@weft/mini-models';
 *
 * const { folder, description } = miniModel('bert-mini');
 * console.log(folder, description); // pass the folder to AutoModelForMaskedLM.fromPretrained or to pipeline
 * ```
 */
export function miniModel(name: MiniModelName): MiniModel;
export function miniModel(name: string): MiniModel;
export function miniModel(name: string): MiniModel {
  if (!isName(name)) {
    throw new InputError({
      operation: 'miniModel',
      expected: `one of ${names.join(', ')}`,
      received: JSON.stringify(name) ?? String(name),
      remedy: 'choose one of them; miniModelFor(task) finds the one for a task',
    });
  }
  const { description, tasks }: CatalogueEntry = catalogue[name];
  const folder = join(root, name);
  return { name, folder, description, tasks, bytes: sizeOf(name, folder) };
}

/**
 * The folder of the model that does a task, by the task's name or an alias: `sentiment-analysis`,
 * `translation_en_to_fr`. undefined where no model can do it.
 *
 * @throws InputError for what is no name at all
 * @example
 * ```ts
 * import { miniModelFor } from '@weft/mini-models';
 *
 * console.assert(miniModelFor('translation_en_to_fr')!.endsWith('t5-mini-translation'));
 * console.assert(miniModelFor('summarization') === undefined);
 * ```
 */
export function miniModelFor(task: string): string | undefined {
  if (typeof task !== 'string') {
    throw new InputError({
      operation: 'miniModelFor',
      expected: "a task's name, such as text-generation",
      received: String(task),
      remedy: 'pass a string',
    });
  }
  const meant = Object.hasOwn(aliases, task) ? aliases[task]! : task;
  const found = names.find((name) => (catalogue[name].tasks as readonly string[]).includes(meant));
  return found && miniModel(found).folder;
}

function isName(name: unknown): name is MiniModelName {
  return typeof name === 'string' && Object.hasOwn(catalogue, name);
}

function sizeOf(name: string, folder: string): number {
  try {
    return readdirSync(folder).reduce((sum, file) => sum + statSync(join(folder, file)).size, 0);
  } catch (cause) {
    throw new CheckpointError({
      operation: `miniModel('${name}')`,
      expected: `the folder models/${name} of @weft/mini-models`,
      received: 'none that can be read',
      remedy: 'install the package again, or in a clone: git checkout packages/mini-models',
      cause,
    });
  }
}
