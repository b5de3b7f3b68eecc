import { z } from 'zod';
import type { App } from '../http/app.js';
import { ask, type Context } from '../http/context.js';
import { LiveAnswer, type LiveWriter } from '../http/live-answer.js';
import { plainGeneration } from '../pool/plain.js';
import type { Alternative, GenerateParams } from '../pool/protocol.js';
import { RequestError } from '../request-error.js';
import { failures, modelName, optional, text } from './shared.js';

const generateBody = z.strictObject({
  prompt: text,
  model: modelName,
  maxTokens: optional(z.int().min(1)),
  temperature: optional(z.number().min(0).max(2)),
  topK: optional(z.int().min(0)),
  topP: optional(z.number().min(0).max(1)),
  seed: optional(z.int().min(0)),
  alternatives: optional(z.int().min(1).max(20)),
});

const place = { id: z.int(), token: z.string(), start: z.int(), end: z.int(), special: z.boolean() };

export function explainRoutes(api: App, context: Context): void {
  const tags = ['explain'];
  generateRoute(api, context);

  api.post(
    '/explain/sentiment',
    {
      schema: {
        tags,
        summary: 'Scores of a text, and what each token adds to one of them',
        body: z.strictObject({ text: text.min(1), target: optional(z.string()), model: modelName }),
        response: {
          200: z.object({
            model: z.string(),
            random: z.boolean(),
            method: z.literal('occlusion'),
            target: z.string(),
            labels: z.array(z.object({ label: z.string(), score: z.number() })),
            tokens: z.array(z.object({ ...place, attribution: z.number() })),
          }),
          ...failures,
        },
      },
    },
    async (request, reply) => {
      const { text: given, target, model } = request.body;
      const { host, result } = await ask(context, request, reply, {
        model,
        ability: ({ explain }) => explain.includes('sentiment'),
        kind: 'sentiment',
        params: { text: given, ...(target === undefined ? {} : { target }) },
      });
      return { model: host.id, random: host.random, ...(await result) };
    },
  );

  api.post(
    '/explain/attention',
    {
      schema: {
        tags,
        summary: 'How much each token looks at each other, by layer and head',
        body: z.strictObject({ text: text.min(1), textPair: optional(text), model: modelName }),
        response: {
          200: z.object({
            model: z.string(),
            random: z.boolean(),
            layers: z.int(),
            heads: z.int(),
            causal: z.boolean(),
            tokens: z.array(z.object({ ...place, sequence: z.int().nullable() })),
            attentions: z.array(z.array(z.array(z.array(z.number())))).describe('[layer][head][from][to]'),
          }),
          ...failures,
        },
      },
    },
    async (request, reply) => {
      const { text: given, textPair, model } = request.body;
      const { host, result } = await ask(context, request, reply, {
        model,
        ability: ({ explain }) => explain.includes('attention'),
        kind: 'attention',
        params: { text: given, ...(textPair === undefined ? {} : { textPair }) },
      });
      return { model: host.id, random: host.random, ...(await result) };
    },
  );

  api.post(
    '/explain/tokenize',
    {
      schema: {
        tags,
        summary: 'How a model cuts a text',
        body: z.strictObject({ text, addSpecialTokens: optional(z.boolean()), model: modelName }),
        response: {
          200: z.object({
            model: z.string(),
            vocabSize: z.int(),
            tokens: z.array(z.object({ ...place, text: z.string(), word: z.int().nullable() })),
          }),
          ...failures,
        },
      },
    },
    async (request, reply) => {
      const { text: given, addSpecialTokens = true, model } = request.body;
      const { host, result } = await ask(context, request, reply, {
        model,
        ability: ({ explain }) => explain.includes('tokenize'),
        kind: 'tokenize',
        params: { text: given, addSpecialTokens },
      });
      return { model: host.id, ...(await result) };
    },
  );
}

function generateRoute(api: App, context: Context): void {
  api.post(
    '/explain/generate',
    {
      schema: {
        tags: ['explain'],
        summary: 'Write token by token, with what else the model thought of, as server-sent events',
        body: generateBody,
        produces: ['text/event-stream'],
      },
    },
    async (request, reply) => {
      const { model, ...asked } = request.body;
      const { maxNewTokens } = context.options;
      if ((asked.maxTokens ?? 0) > maxNewTokens) {
        throw new RequestError(
          400,
          'unsupported_value',
          `maxTokens: at most ${maxNewTokens} here`,
          'maxTokens',
        );
      }
      const live = new LiveAnswer(tokenWriter());
      const { host, result } = await ask(context, request, reply, {
        model,
        ability: ({ explain }) => explain.includes('generate'),
        kind: 'generate',
        params: paramsOf(asked, Math.min(32, maxNewTokens)),
        onEvent: (event) => live.take(event),
      });
      return live.reply(reply, host, result);
    },
  );
}

function paramsOf(
  asked: Omit<z.output<typeof generateBody>, 'model'>,
  defaultNewTokens: number,
): GenerateParams {
  return {
    ...plainGeneration,
    prompts: [asked.prompt],
    maxNewTokens: asked.maxTokens ?? defaultNewTokens,
    ...(asked.temperature === undefined ? {} : { temperature: asked.temperature }),
    ...(asked.topK === undefined ? {} : { topK: asked.topK }),
    ...(asked.topP === undefined ? {} : { topP: asked.topP }),
    stream: true,
    alternatives: asked.alternatives ?? 5,
    ...(asked.seed === undefined ? {} : { seed: asked.seed }),
  };
}

/** A generation as the page draws it: an event a token. */
function tokenWriter(): LiveWriter {
  let index = 0;
  const probable = ({ logprob, ...token }: Alternative) => ({ ...token, probability: Math.exp(logprob) });
  return {
    event: (stream, event, { id, random }) => {
      if (event.type === 'start') {
        stream.send({ model: id, random, prompt: event.prompts[0] }, 'start');
        return;
      }
      for (const { text: certain, details } of event.pieces) {
        const [detail] = details;
        // The end token adds no text and has no detail.
        if (!detail) continue;
        const { top, ...token } = detail;
        const seen = { index: index++, ...probable(token), text: certain };
        stream.send({ ...seen, alternatives: top.map(probable) }, 'token');
      }
    },
    end: (stream, { rows, promptTokens, seconds }) => {
      const [row] = rows;
      const done = { finishReason: row!.finish, promptTokens, completionTokens: row!.tokens, seconds };
      stream.send(done, 'done');
    },
    error: (stream, body) => stream.send(body, 'error'),
  };
}
