import { z } from 'zod';
import type { App } from '../http/app.js';
import type { Context } from '../http/context.js';
import type { ModelHost } from '../pool/model-host.js';
import { noAbilities } from '../pool/plain.js';
import { RequestError } from '../request-error.js';
import { failures } from './shared.js';

const model = z.object({
  id: z.string(),
  object: z.literal('model'),
  created: z.int(),
  owned_by: z.literal('weft'),
  weft: z.object({
    state: z.enum(['loading', 'ready', 'failed', 'available']),
    architecture: z.string().nullable(),
    tasks: z.array(z.string()),
    explain: z.array(z.string()),
    completions: z.boolean(),
    embeddings: z.boolean(),
    random: z.boolean().describe('The weights were drawn, not trained'),
    labels: z.array(z.string()).nullable(),
    layers: z.int().nullable(),
    heads: z.int().nullable(),
    maxTokens: z.int().nullable(),
  }),
});
type Model = z.infer<typeof model>;

const unknown = { architecture: null, tasks: [], explain: [], ...noAbilities };

const view = ({ id, created, state, info, random }: ModelHost): Model => ({
  id,
  object: 'model',
  created,
  owned_by: 'weft',
  weft: { state, random, ...(info ?? unknown) },
});

const notLoaded = (id: string): Model => ({
  id,
  object: 'model',
  created: 0,
  owned_by: 'weft',
  weft: { state: 'available', random: false, ...unknown },
});

export function modelRoutes(api: App, { pool }: Context): void {
  const all = async (): Promise<Model[]> => [
    ...pool.hosts.map(view),
    ...(await pool.available()).map(notLoaded),
  ];
  api.get(
    '/v1/models',
    {
      schema: {
        tags: ['OpenAI'],
        summary: 'The models, with what each can do',
        response: { 200: z.object({ object: z.literal('list'), data: z.array(model) }), 401: failures[401] },
      },
    },
    async () => ({ object: 'list' as const, data: await all() }),
  );
  // A name may hold a slash, and a client may send it as one.
  api.get(
    '/v1/models/*',
    { schema: { tags: ['OpenAI'], summary: 'One model', params: z.object({ '*': z.string().max(200) }) } },
    async (request) => {
      const found = (await all()).find(({ id }) => id === request.params['*']);
      if (found) return found;
      throw new RequestError(404, 'model_not_found', 'there is no model of that name', 'model');
    },
  );
}
