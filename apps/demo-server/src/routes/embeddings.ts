import { z } from 'zod';
import type { App } from '../http/app.js';
import { ask, type Context } from '../http/context.js';
import { failures, listOf, modelName, optional, texts } from './shared.js';

const MAX_INPUTS = 256;

const body = z.looseObject({
  model: modelName,
  input: texts(MAX_INPUTS),
  encoding_format: optional(z.enum(['float', 'base64'])),
  dimensions: z.undefined({ error: 'the size of the embeddings is the model’s' }).or(z.null()).optional(),
  user: optional(z.string()),
});

const answer = z.object({
  object: z.literal('list'),
  model: z.string(),
  data: z.array(
    z.object({
      object: z.literal('embedding'),
      index: z.int(),
      embedding: z.union([z.array(z.number()), z.string()]),
    }),
  ),
  usage: z.object({ prompt_tokens: z.int(), total_tokens: z.int() }),
});

export function embeddingRoutes(api: App, context: Context): void {
  api.post(
    '/v1/embeddings',
    {
      schema: {
        tags: ['OpenAI'],
        summary: 'Texts to vectors',
        body,
        response: { 200: answer, ...failures },
      },
    },
    async (request, reply) => {
      const { model, input, encoding_format: form = 'float' } = request.body;
      const { host, result } = await ask(context, request, reply, {
        model,
        ability: ({ embeddings }) => embeddings,
        kind: 'embed',
        params: { inputs: listOf(input) },
      });
      const { embeddings, tokens } = await result;
      return {
        object: 'list' as const,
        model: host.id,
        data: embeddings.map((embedding, index) => ({
          object: 'embedding' as const,
          index,
          embedding: form === 'base64' ? base64(embedding) : Array.from(embedding),
        })),
        usage: { prompt_tokens: tokens, total_tokens: tokens },
      };
    },
  );
}

const base64 = ({ buffer, byteOffset, byteLength }: Float32Array): string =>
  Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength).toString('base64');
