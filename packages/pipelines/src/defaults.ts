/** Which model answers where none is named. */
import { basename } from 'node:path';
import { resolveModelFiles } from '@weft/checkpoint';
import { InputError, isWeftError } from '@weft/errors';
import type { LoadOptions } from '@weft/model';
import { resolveTask, type TaskName } from './task-names.js';

/**
 * transformers' choices. Where those are of a family that weft does not have, the one that transformers chose for
 * TensorFlow stands in.
 */
const hubDefaults: { readonly [T in TaskName]: string } = {
  'text-generation': 'openai-community/gpt2',
  'text-classification': 'distilbert/distilbert-base-uncased-finetuned-sst-2-english',
  'question-answering': 'distilbert/distilbert-base-cased-distilled-squad',
  'fill-mask': 'distilbert/distilroberta-base',
  'token-classification': 'dbmdz/bert-large-cased-finetuned-conll03-english',
  'feature-extraction': 'distilbert/distilbert-base-cased',
  'zero-shot-classification': 'FacebookAI/roberta-large-mnli',
  translation: 'google-t5/t5-base',
  summarization: 'google-t5/t5-small',
  'text2text-generation': 'google-t5/t5-base',
};

/** How long the hub has to answer before the offline model is taken, in ms. */
const PATIENCE = 8000;

const chosen = new Map<TaskName, string>();

/**
 * Names the models of tasks that are asked for without one, in place of the hub's: folders or ids. undefined takes a
 * choice back.
 *
 * @throws InputError for an unknown task
 * @example
 * ```ts
 * import { setDefaultModels } from '@weft/pipelines';
 *
 * setDefaultModels({ 'sentiment-analysis': './my-classifier' }); // pipeline('sentiment-analysis') loads it now
 * setDefaultModels({ 'sentiment-analysis': undefined });
 * ```
 */
export function setDefaultModels(models: Readonly<Record<string, string | undefined>>): void {
  for (const [task, model] of Object.entries(models)) {
    const name = resolveTask(task);
    if (model === undefined) chosen.delete(name);
    else chosen.set(name, model);
  }
}

/** The model that answers where none was named. */
export interface DefaultModel {
  /** Folder or id. */
  source: string;
  /** As people are told of it. */
  name: string;
}

/**
 * The model of a task that was asked for without one: what {@link setDefaultModels} named; else the hub's, where the
 * hub or its cache has it; else the small one of the package `@weft/mini-models`.
 *
 * @throws InputError where there is none
 */
export async function defaultModel(
  task: TaskName,
  options: LoadOptions,
  warn: (message: string) => void,
): Promise<DefaultModel> {
  const named = chosen.get(task);
  if (named !== undefined) return { source: named, name: named };
  const id = hubDefaults[task];
  const problem = await askHub(id, options);
  if (problem === undefined) return { source: id, name: id };
  const { miniModelFor } = await import('@weft/mini-models');
  const source = miniModelFor(task);
  if (source !== undefined) {
    const name = `${basename(source)} (weft's own small model)`;
    warn(`${task}: ${id} is not to be had (${reason(problem)}), ${name} answers`);
    return { source, name };
  }
  throw new InputError({
    operation: `pipeline('${task}')`,
    expected: 'a model',
    received: `none named; the default ${id} is not to be had (${reason(problem)}), and @weft/mini-models has none for it`,
    remedy: `name a folder or an id of the hub: pipeline('${task}', model)`,
    cause: problem,
  });
}

/** What keeps the hub's model away; undefined where nothing does. */
async function askHub(id: string, options: LoadOptions): Promise<unknown> {
  const { signal } = options;
  const patience = AbortSignal.timeout(PATIENCE);
  try {
    await resolveModelFiles(id, {
      ...options,
      files: ['config.json'],
      signal: signal ? AbortSignal.any([signal, patience]) : patience,
    });
    return undefined;
  } catch (error) {
    signal?.throwIfAborted();
    return error;
  }
}

function reason(problem: unknown): string {
  if (isWeftError(problem)) return problem.received;
  return problem instanceof Error && problem.name === 'TimeoutError' ? 'no answer' : String(problem);
}
