import { InputError } from '@weft/errors';
import { nearest } from './suggest.js';

/** The tasks that are no other's alias. */
export const taskNames = [
  'text-generation',
  'text-classification',
  'question-answering',
  'fill-mask',
  'token-classification',
  'feature-extraction',
  'zero-shot-classification',
  'translation',
  'summarization',
  'text2text-generation',
] as const;

/** A task by its own name. */
export type TaskName = (typeof taskNames)[number];

const aliases: Readonly<Record<string, TaskName>> = {
  'sentiment-analysis': 'text-classification',
  ner: 'token-classification',
};

const languagePair = /^translation_[^_]+_to_[^_]+$/;

/**
 * The task that a name stands for: itself, an alias, or `translation` for `translation_en_to_de` and its like.
 *
 * @throws InputError for a name that is none, with the nearest one
 * @example
 * ```ts
 * import { resolveTask } from '@weft/pipelines';
 *
 * console.assert(resolveTask('ner') === 'token-classification');
 * console.assert(resolveTask('translation_en_to_de') === 'translation');
 * ```
 */
export function resolveTask(name: string): TaskName {
  if (typeof name === 'string') {
    const known = taskNames.find((task) => task === name) ?? (Object.hasOwn(aliases, name) && aliases[name]);
    if (known) return known;
    if (languagePair.test(name)) return 'translation';
  }
  const all = [...taskNames, ...Object.keys(aliases), 'translation_xx_to_yy'];
  const meant = nearest(name, all);
  throw new InputError({
    operation: 'pipeline',
    expected: `a task: ${all.join(', ')}`,
    received: JSON.stringify(name) ?? String(name),
    remedy: meant === undefined ? 'choose one of them' : `did you mean ${meant}?`,
  });
}
