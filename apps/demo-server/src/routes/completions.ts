import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { App } from '../http/app.js';
import { ask, type Context } from '../http/context.js';
import { LiveAnswer, type LiveWriter } from '../http/live-answer.js';
import type { FinishReason, GenerateParams, GenerateResult } from '../pool/protocol.js';
import { RequestError } from '../request-error.js';
import { Logprobs, type OpenAiLogprobs } from './logprobs.js';
import { failures, listOf, modelName, optional, texts } from './shared.js';

/** Rows of one request: prompts times continuations. */
const MAX_ROWS = 16;
const MAX_STOPS = 4;
const MAX_BIASES = 300;

const body = z.looseObject({
  model: modelName,
  prompt: texts(MAX_ROWS).nullish(),
  max_tokens: optional(z.int().min(1)),
  temperature: optional(z.number().min(0).max(2)),
  top_p: optional(z.number().min(0).max(1)),
  n: optional(z.int().min(1).max(MAX_ROWS)),
  best_of: optional(z.int().min(1).max(MAX_ROWS)),
  stream: optional(z.boolean()),
  stream_options: optional(z.looseObject({ include_usage: z.boolean().optional() })),
  logprobs: optional(z.int().min(0).max(5)),
  echo: optional(z.boolean()),
  stop: optional(z.union([z.string(), z.array(z.string()).max(MAX_STOPS)])),
  presence_penalty: optional(z.number().min(-2).max(2)),
  frequency_penalty: optional(z.number().min(-2).max(2)),
  logit_bias: optional(z.record(z.string().regex(/^\d{1,9}$/), z.number().min(-100).max(100))),
  seed: optional(z.int()),
  suffix: optional(z.string()),
  user: optional(z.string()),
  top_k: optional(z.int().min(0)),
  min_p: optional(z.number().min(0).max(1)),
  repetition_penalty: optional(z.number().min(0.1).max(10)),
});
type Body = z.output<typeof body>;

const logprobsSchema = z.object({
  tokens: z.array(z.string()),
  token_logprobs: z.array(z.number()),
  top_logprobs: z.array(z.record(z.string(), z.number())),
  text_offset: z.array(z.int()),
});

const answer = z.object({
  id: z.string(),
  object: z.literal('text_completion'),
  created: z.int(),
  model: z.string(),
  choices: z.array(
    z.object({
      index: z.int(),
      text: z.string(),
      finish_reason: z.enum(['stop', 'length']),
      logprobs: logprobsSchema.nullable(),
    }),
  ),
  usage: z.object({ prompt_tokens: z.int(), completion_tokens: z.int(), total_tokens: z.int() }),
});

/** The request as the model takes it. */
export function paramsOf(request: Body, maxNewTokens: number): GenerateParams {
  const unsupported = (param: string, what: string): RequestError =>
    new RequestError(400, 'unsupported_value', `${param}: ${what}`, param);
  const n = request.n ?? 1;
  // An empty suffix asks for nothing; some clients send it.
  if (request.suffix) throw unsupported('suffix', 'these models write on at the end only');
  if (request.best_of !== undefined && request.best_of !== n) {
    throw unsupported('best_of', 'only the same as n');
  }
  if (request.echo && request.logprobs !== undefined) throw unsupported('echo', 'not together with logprobs');
  const newTokens = request.max_tokens ?? 16;
  if (newTokens > maxNewTokens) throw unsupported('max_tokens', `at most ${maxNewTokens} here`);
  const prompts = listOf(request.prompt ?? '');
  if (prompts.length * n > MAX_ROWS) throw unsupported('n', `at most ${MAX_ROWS} prompts times n`);
  const biases = Object.entries(request.logit_bias ?? {});
  if (biases.length > MAX_BIASES) throw unsupported('logit_bias', `at most ${MAX_BIASES} tokens`);
  return {
    prompts,
    n,
    maxNewTokens: newTokens,
    temperature: request.temperature ?? 1,
    topK: request.top_k ?? 0,
    topP: request.top_p ?? 1,
    minP: request.min_p ?? 0,
    repetitionPenalty: request.repetition_penalty ?? 1,
    presencePenalty: request.presence_penalty ?? 0,
    frequencyPenalty: request.frequency_penalty ?? 0,
    logitBias: biases.map(([id, bias]) => [Number(id), bias]),
    stop: [request.stop ?? []].flat().filter((stop) => stop !== ''),
    stream: request.stream ?? false,
    ...(request.seed === undefined ? {} : { seed: request.seed >>> 0 }),
    ...(request.logprobs === undefined ? {} : { alternatives: request.logprobs }),
  };
}

export function completionRoutes(api: App, context: Context): void {
  api.post(
    '/v1/completions',
    {
      schema: {
        tags: ['OpenAI'],
        summary: 'Go on with a text; with stream: true as server-sent events',
        body,
        response: { 200: answer, ...failures },
      },
    },
    async (request, reply) => {
      const params = paramsOf(request.body, context.options.maxNewTokens);
      const head = {
        id: `cmpl-${randomUUID()}`,
        object: 'text_completion' as const,
        created: Math.floor(Date.now() / 1000),
      };
      const live = params.stream ? new LiveAnswer(completionWriter(head, params, request.body)) : undefined;
      const { host, result } = await ask(context, request, reply, {
        model: request.body.model,
        ability: ({ completions }) => completions,
        kind: 'generate',
        params,
        ...(live ? { onEvent: (event) => live.take(event) } : {}),
      });
      if (live) return live.reply(reply, host, result);
      return complete({ ...head, model: host.id }, params, await result, request.body.echo);
    },
  );
}

function complete(
  head: Head & { model: string },
  { n, alternatives }: GenerateParams,
  { rows, prompts, promptTokens }: GenerateResult,
  echo = false,
): z.infer<typeof answer> {
  const choices = rows.map(({ text, details, finish }, index) => ({
    index,
    text: echo ? prompts[Math.floor(index / n)]! + text : text,
    finish_reason: finish,
    logprobs: alternatives === undefined ? null : new Logprobs().add(details, text.length),
  }));
  return { ...head, choices, usage: usageOf(rows, promptTokens) };
}

function usageOf(rows: readonly { tokens: number }[], promptTokens: number) {
  const completion = rows.reduce((sum, { tokens }) => sum + tokens, 0);
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completion,
    total_tokens: promptTokens + completion,
  };
}

interface Head {
  id: string;
  object: 'text_completion';
  created: number;
}

/** A completion piece by piece, as OpenAI sends it. */
function completionWriter(head: Head, { n, alternatives }: GenerateParams, request: Body): LiveWriter {
  const places: Logprobs[] = [];
  const withUsage = request.stream_options?.include_usage === true;
  const chunk = (
    model: string,
    index: number,
    text: string,
    finish: FinishReason | null,
    logprobs = noLogprobs,
  ) => ({
    ...head,
    model,
    choices: [{ index, text, finish_reason: finish, logprobs }],
    ...(withUsage ? { usage: null } : {}),
  });
  return {
    event: (stream, event, { id }) => {
      if (event.type === 'start') {
        if (!request.echo) return;
        for (const [i, text] of event.texts.entries()) {
          for (let copy = 0; copy < n; copy++) stream.send(chunk(id, i * n + copy, text, null));
        }
        return;
      }
      for (const { row, text, details, finish } of event.pieces) {
        if (alternatives === undefined) {
          if (text !== '' || finish !== null) stream.send(chunk(id, row, text, finish));
          continue;
        }
        places[row] ??= new Logprobs();
        stream.send(chunk(id, row, text, finish, places[row].add(details)));
      }
    },
    end: (stream, { rows, promptTokens }, { id }) => {
      if (withUsage) stream.send({ ...head, model: id, choices: [], usage: usageOf(rows, promptTokens) });
      stream.raw('data: [DONE]\n\n');
    },
    error: (stream, body) => stream.send(body),
  };
}

const noLogprobs: OpenAiLogprobs | null = null;
