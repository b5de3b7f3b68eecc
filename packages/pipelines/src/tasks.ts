/** Which code answers which task. */
import type { AnyModel, Parts, Task } from './call.js';
import { featureExtraction } from './feature-extraction.js';
import type { TaskModels } from './models.js';
import type { CallOptions } from './options.js';
import type { TaskName } from './task-names.js';
import { textClassification } from './text-classification.js';
import { textGeneration } from './text-generation.js';

/** A task whose types are not looked at: the names bring makers and models together. */
export type AnyTask = Task<unknown, unknown, CallOptions, AnyModel>;

const makers: { readonly [T in TaskName]?: (parts: Parts<TaskModels[T]>) => object } = {
  'text-generation': textGeneration,
  'text-classification': () => textClassification,
  'feature-extraction': () => featureExtraction,
};

/** The task for one model. */
export function taskOf(name: TaskName, parts: Parts<AnyModel>): AnyTask {
  const make = makers[name] as (parts: Parts<AnyModel>) => object;
  return make(parts) as AnyTask;
}
