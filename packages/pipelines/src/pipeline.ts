import tf = require('@tensorflow/tfjs');

import { setBackend } from '@weft/backend';
import { resolveModelFiles } from '@weft/checkpoint';
import { InputError } from '@weft/errors';
import type { LoadOptions } from '@weft/model';
import { AutoTokenizer, Tokenizer } from '@weft/tokenizer';
import { type AnyModel, makePipeline, type Parts } from './call.js';
import { defaultModel } from './defaults.js';
import { taskModels } from './models.js';
import { shown } from './options.js';
import type { AnyPipeline, ModelOf, PipelineOf, PipelineTask } from './pipeline-tasks.js';
import { resolveTask, type TaskName } from './task-names.js';
import { taskOf } from './tasks.js';

/** How a pipeline is made: what loading a model takes, and a tokenizer where the model's own is not meant. */
export interface PipelineOptions extends LoadOptions {
  /** A tokenizer, or a folder or id with one. Default: the model's. */
  tokenizer?: Tokenizer | string;
}

/**
 * A task in one call: loads a model and its tokenizer, chooses the backend if none was chosen, and gives a function
 * that answers.
 *
 * @param task - `text-classification` (`sentiment-analysis`), `question-answering`, `text-generation`, `fill-mask`,
 * `token-classification` (`ner`), `feature-extraction`, `zero-shot-classification`, `translation`
 * (`translation_xx_to_yy`), `summarization` or `text2text-generation`; the result's type follows from it
 * @param model - an id of the hub, a folder, or a model of your own with its `tokenizer` in the options. Default:
 * transformers' choice for the task where the hub answers, else the small one of `@weft/mini-models`; `modelName` says
 * which
 * @throws InputError for an unknown task or where there is no model; ConfigError, CheckpointError, TokenizerError and
 * DownloadError where the named one cannot be loaded; BackendError where no backend works
 * @example
 * ```ts no-run
 * import { pipeline } from '@weft/pipelines';
 *
 * using classify = await pipeline('sentiment-analysis');
 * const [{ label, score }] = await classify('I love using Transformers for NLP tasks!');
 * ```
 * @example
 * ```ts
 * import { GPT2LMHeadModel, gpt2ConfigSchema } from '@weft/gpt2';
 * import { pipeline } from '@weft/pipelines';
 * import { trainByteLevelBpe } from '@weft/tokenizer';
 *
 * const tokenizer = trainByteLevelBpe(['warp and weft'], { vocabSize: 260 });
 * const config = gpt2ConfigSchema.parse({ vocab_size: 260, n_positions: 32, n_embd: 16, n_layer: 1, n_head: 2 });
 * using model = new GPT2LMHeadModel(config, { seed: 1 });
 * const write = await pipeline('text-generation', model, { tokenizer });
 * const [written] = await write('warp', { maxNewTokens: 4, seed: 1 });
 * console.assert(written!.generatedText.startsWith('warp'));
 * let text = '';
 * for await (const step of write.streamTokens('warp', { maxNewTokens: 4, seed: 1 })) text += step.text;
 * console.assert(text.length > 0);
 * ```
 */
export async function pipeline<T extends PipelineTask>(
  task: T,
  model?: string | ModelOf<T>,
  options?: PipelineOptions,
): Promise<PipelineOf<T>>;
// A task that is written out is never of this form, or it would win wherever the model's type fits it better.
export async function pipeline<T extends string>(
  task: string extends T ? T : never,
  model?: string | AnyModel,
  options?: PipelineOptions,
): Promise<AnyPipeline>;
export async function pipeline(
  task: string,
  model?: unknown,
  options: PipelineOptions = {},
): Promise<unknown> {
  const name = resolveTask(task);
  const { tokenizer: ownTokenizer, warn = console.warn, ...loading } = options;
  loading.signal?.throwIfAborted();
  await chooseBackend();
  if (typeof model === 'object' && model !== null) {
    return assemble(name, ownParts(task, model as AnyModel, ownTokenizer, warn), false);
  }
  if (model !== undefined && (typeof model !== 'string' || model === '')) throw badModel(task, model);
  const { source, name: modelName } =
    model === undefined ? await defaultModel(name, loading, warn) : { source: model, name: model };
  // A name that leads nowhere is told before anything is looked for in it.
  await resolveModelFiles(source, { ...loading, files: ['config.json'] });
  const tokenizer = await readTokenizer(ownTokenizer ?? source, loading);
  loading.signal?.throwIfAborted();
  const loaded = (await taskModels[name].fromPretrained(source, { ...loading, warn })) as AnyModel;
  try {
    loading.signal?.throwIfAborted();
    return assemble(name, { task, model: loaded, tokenizer, modelName, warn }, true);
  } catch (error) {
    loaded.dispose();
    throw error;
  }
}

function assemble(name: TaskName, parts: Parts<AnyModel>, ownsModel: boolean): unknown {
  return makePipeline(taskOf(name, parts), parts, ownsModel);
}

/** Where nobody chose a backend yet, tfjs has none; asking tfjs itself would make it choose its slowest. */
async function chooseBackend(): Promise<void> {
  const { backendName } = tf.engine() as { backendName?: string | null };
  if (backendName === undefined || backendName === null) await setBackend();
}

async function readTokenizer(given: Tokenizer | string, options: LoadOptions): Promise<Tokenizer> {
  return typeof given === 'string' ? AutoTokenizer.fromPretrained(given, options) : given;
}

function ownParts(
  task: string,
  model: AnyModel,
  tokenizer: Tokenizer | string | undefined,
  warn: (message: string) => void,
): Parts<AnyModel> {
  if (!(tokenizer instanceof Tokenizer)) {
    throw new InputError({
      operation: `pipeline('${task}')`,
      expected: 'a tokenizer in the options, beside a model that was loaded before',
      received: shown(tokenizer),
      remedy: 'pass { tokenizer: await AutoTokenizer.fromPretrained(folder) }',
    });
  }
  return { task, model, tokenizer, modelName: model.constructor.name, warn };
}

function badModel(task: string, model: unknown): InputError {
  return new InputError({
    operation: `pipeline('${task}')`,
    expected: 'an id of the hub, a folder, or a model',
    received: shown(model),
    remedy: "pass a string such as gpt2 or './my-model', or leave it out for the default",
  });
}
