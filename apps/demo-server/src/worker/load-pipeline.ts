import type { AnyPipeline } from './pipeline-runner.js';
import type { ServedModel } from './served-model.js';

/** The pipeline of a task over the model that is loaded already: its weights are held once. */
export async function loadPipeline(
  task: string,
  { tokenizer, taskModels }: ServedModel,
): Promise<AnyPipeline> {
  // Loaded when it is first needed: a model that only completes or embeds starts sooner.
  const { pipeline } = await import('@weft/pipelines');
  const made = await pipeline(task as string, taskModels[task]!, { tokenizer, warn: () => {} });
  return made as unknown as AnyPipeline;
}
