import { z } from 'zod';
import type { App } from '../http/app.js';
import type { Context } from '../http/context.js';

const readiness = z.object({
  ready: z.boolean(),
  models: z.array(z.object({ id: z.string(), state: z.enum(['loading', 'ready', 'failed']) })),
});

/** Whether the process lives, and whether its models are loaded. Asked without a key and as often as one likes. */
export function healthRoutes(app: App, { pool, closing }: Context): void {
  app.get(
    '/healthz',
    {
      logLevel: 'warn',
      schema: { tags: ['health'], response: { 200: z.object({ status: z.string(), uptime: z.number() }) } },
    },
    async () => ({ status: 'ok', uptime: Math.round(process.uptime() * 10) / 10 }),
  );
  app.get(
    '/readyz',
    { logLevel: 'warn', schema: { tags: ['health'], response: { 200: readiness, 503: readiness } } },
    async (_request, reply) => {
      const models = pool.fixed.map(({ id, state }) => ({ id, state }));
      const ready = !closing.aborted && models.every(({ state }) => state === 'ready');
      return reply.code(ready ? 200 : 503).send({ ready, models });
    },
  );
}

/** Numbers for Prometheus. Names of models are in them, so a key is asked for like elsewhere. */
export function metricsRoute(api: App, { metrics }: Context): void {
  api.get(
    '/metrics',
    { logLevel: 'warn', config: { rateLimit: false }, schema: { tags: ['health'] } },
    async (_request, reply) =>
      reply.type(metrics.registry.contentType).send(await metrics.registry.metrics()),
  );
}
