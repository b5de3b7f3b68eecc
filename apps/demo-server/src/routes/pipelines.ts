import { z } from 'zod';
import type { App } from '../http/app.js';
import { ask, type Context } from '../http/context.js';
import { RequestError } from '../request-error.js';
import { failures, MAX_TEXT, modelName } from './shared.js';

/** Names of tasks, and the tasks that they mean. */
const tasks: Record<string, string> = {
  'text-generation': 'text-generation',
  'text-classification': 'text-classification',
  'sentiment-analysis': 'text-classification',
  'question-answering': 'question-answering',
  'fill-mask': 'fill-mask',
  'token-classification': 'token-classification',
  ner: 'token-classification',
  'feature-extraction': 'feature-extraction',
  'zero-shot-classification': 'zero-shot-classification',
  translation: 'translation',
  summarization: 'summarization',
  'text2text-generation': 'text2text-generation',
};
const writing = new Set(['text-generation', 'translation', 'summarization', 'text2text-generation']);

const MAX_INPUTS = 64;
/** The most that a request may ask for, by the option's name. */
const limits: Record<string, number> = {
  numBeams: 8,
  numReturnSequences: 8,
  topK: 1000,
  maxSeqLen: 4096,
  maxAnswerLen: 512,
  stride: 128,
  numAssistantTokens: 64,
  promptLookupNumTokens: 64,
};
/** How many rows go through a model at once is the server's to say. */
const refused = ['batchSize', 'signal', 'onProgress', 'tokenizer', 'assistantModel'];

const body = z.strictObject({
  inputs: z.unknown().describe('One input of the task, or a list'),
  parameters: z.record(z.string(), z.unknown()).optional().describe("The task's options"),
  model: modelName,
});

export function pipelineRoutes(api: App, context: Context): void {
  api.post(
    '/pipelines/:task',
    {
      schema: {
        tags: ['pipelines'],
        summary: 'Any task of @weft/pipelines',
        params: z.object({ task: z.string().max(60) }),
        body,
        response: {
          200: z.object({ task: z.string(), model: z.string(), result: z.unknown() }),
          ...failures,
        },
      },
    },
    async (request, reply) => {
      const { task, pair } = taskOf(request.params.task);
      const { inputs, model, parameters: asked = {} } = request.body;
      const parameters = { ...pair, ...asked };
      checkInputs(inputs);
      const { host, result } = await ask(context, request, reply, {
        model,
        ability: (info) => info.tasks.includes(task),
        kind: 'pipeline',
        params: { task, inputs, parameters: checkParameters(task, parameters, context.options.maxNewTokens) },
      });
      return { task, model: host.id, result: await result };
    },
  );
}

/** The task that a name means; a pair of languages in it goes to the parameters. */
function taskOf(name: string): { task: string; pair?: { srcLang: string; tgtLang: string } } {
  if (Object.hasOwn(tasks, name)) return { task: tasks[name]! };
  const [, srcLang, tgtLang] = /^translation_([^_]+)_to_([^_]+)$/.exec(name) ?? [];
  if (srcLang !== undefined && tgtLang !== undefined)
    return { task: 'translation', pair: { srcLang, tgtLang } };
  const message = `there is no such task; tasks: ${Object.keys(tasks).join(', ')}, translation_xx_to_yy`;
  throw new RequestError(404, 'not_found', message, 'task');
}

function checkInputs(inputs: unknown): void {
  if (inputs === undefined) throw new RequestError(400, 'invalid_body', 'inputs: missing', 'inputs');
  if (Array.isArray(inputs) && (inputs.length === 0 || inputs.length > MAX_INPUTS)) {
    const message = `inputs: 1 to ${MAX_INPUTS} at a time`;
    throw new RequestError(400, 'invalid_body', message, 'inputs');
  }
  if (longest(inputs) > MAX_TEXT) {
    throw new RequestError(400, 'invalid_body', `inputs: texts of at most ${MAX_TEXT} characters`, 'inputs');
  }
}

/** The length of the longest string anywhere in a value. */
function longest(value: unknown): number {
  if (typeof value === 'string') return value.length;
  if (typeof value !== 'object' || value === null) return 0;
  return Object.values(value).reduce<number>((most, each) => Math.max(most, longest(each)), 0);
}

/** Refuses what would keep a model busy without bound; the pipeline itself checks the rest. */
function checkParameters(
  task: string,
  parameters: Record<string, unknown>,
  maxNewTokens: number,
): Record<string, unknown> {
  const fail = (name: string, what: string): never => {
    throw new RequestError(400, 'unsupported_value', `parameters.${name}: ${what}`, 'parameters');
  };
  for (const name of refused) if (name in parameters) fail(name, 'not for requests');
  const all = { ...limits, maxNewTokens, maxLength: maxNewTokens * 2 };
  for (const [name, limit] of Object.entries(all)) {
    const value = parameters[name];
    if (typeof value === 'number' && value > limit) fail(name, `at most ${limit} here`);
  }
  const { candidateLabels, docStride, maxSeqLen } = parameters;
  if (Array.isArray(candidateLabels) && candidateLabels.length > MAX_INPUTS) {
    fail('candidateLabels', `at most ${MAX_INPUTS}`);
  }
  // Windows that share almost everything would be many.
  const window = typeof maxSeqLen === 'number' ? maxSeqLen : 384;
  if (typeof docStride === 'number' && docStride > window / 2)
    fail('docStride', 'at most half of maxSeqLen here');
  const hasLength = parameters.maxNewTokens !== undefined || parameters.maxLength !== undefined;
  if (!writing.has(task) || hasLength) return parameters;
  return maxNewTokens < 256 ? { ...parameters, maxNewTokens } : parameters;
}
