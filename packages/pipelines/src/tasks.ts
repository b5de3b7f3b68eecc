/** Which code answers which task. */
import type { AnyModel, Parts, Task } from './call.js';
import { featureExtraction } from './feature-extraction.js';
import { fillMask } from './fill-mask.js';
import type { TaskModels } from './models.js';
import type { CallOptions } from './options.js';
import { questionAnswering } from './question-answering.js';
import { summarization } from './summarization.js';
import type { TaskName } from './task-names.js';
import { textClassification } from './text-classification.js';
import { textGeneration } from './text-generation.js';
import { text2textGeneration } from './text2text-generation.js';
import { tokenClassification } from './token-classification.js';
import { translation } from './translation.js';
import { zeroShotClassification } from './zero-shot-classification.js';

/** A task whose types are not looked at: the names bring makers and models together. */
export type AnyTask = Task<unknown, unknown, CallOptions, AnyModel>;

const makers: { readonly [T in TaskName]: (parts: Parts<TaskModels[T]>) => object } = {
  'text-generation': textGeneration,
  'text-classification': () => textClassification,
  'question-answering': () => questionAnswering,
  'fill-mask': () => fillMask,
  'token-classification': () => tokenClassification,
  'feature-extraction': () => featureExtraction,
  'zero-shot-classification': zeroShotClassification,
  translation,
  summarization,
  'text2text-generation': text2textGeneration,
};

/** The task for one model. */
export function taskOf(name: TaskName, parts: Parts<AnyModel>): AnyTask {
  const make = makers[name] as (parts: Parts<AnyModel>) => object;
  return make(parts) as AnyTask;
}
