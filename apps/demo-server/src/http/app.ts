import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type RawServerDefault,
} from 'fastify';
import { jsonSchemaTransform, validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import { completionRoutes } from '../routes/completions.js';
import { embeddingRoutes } from '../routes/embeddings.js';
import { explainRoutes } from '../routes/explain.js';
import { healthRoutes, metricsRoute } from '../routes/health.js';
import { modelRoutes } from '../routes/models.js';
import { pipelineRoutes } from '../routes/pipelines.js';
import { trainingRoutes } from '../routes/training.js';
import type { Context } from './context.js';
import { errorBody, handleErrors } from './errors.js';
import { safeLogger } from './logging.js';
import { contentSecurityPolicy, secureAll, secureApi } from './security.js';

/** Fastify with schemas of zod. */
export type App = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  ZodTypeProvider
>;

/** Longest that a client may take to send a request, in ms. */
const REQUEST_TIMEOUT = 30_000;
const MAX_CONNECTIONS = 2048;

/** Puts the web server together; the models are the context's. */
export async function buildApp(context: Context, version: string): Promise<App> {
  const { options, metrics, inFlight } = context;
  const app = fastify({
    bodyLimit: options.bodyLimit,
    requestTimeout: REQUEST_TIMEOUT,
    logger: safeLogger(options.logger) ?? false,
    // A connection on which nothing runs does not hold up a shutdown.
    forceCloseConnections: 'idle',
    frameworkErrors: (_error, _request, reply) => {
      void (reply as FastifyReply).code(400).send(errorBody(400, 'invalid_address', 'this is no address'));
    },
  }).withTypeProvider<ZodTypeProvider>() as unknown as App;
  app.server.maxConnections = MAX_CONNECTIONS;
  app.setValidatorCompiler(validatorCompiler);
  // Schemas of answers document them; checking each would cost more than making it.
  app.setSerializerCompiler(() => (data) => JSON.stringify(data));
  // JSON alone: a form of another site could send text without asking first.
  app.removeContentTypeParser('text/plain');
  handleErrors(app);
  app.addHook('onRequest', async () => {
    inFlight.count++;
  });
  app.addHook('onResponse', async (request, reply) => {
    inFlight.count--;
    const route = request.routeOptions.url ?? 'none';
    metrics.answered(request.method, route, reply.statusCode, reply.elapsedTime / 1000);
  });
  app.addHook('onRequest', async (_request, reply) => {
    if (!context.closing.aborted) return;
    const body = errorBody(503, 'shutting_down', 'the server is shutting down');
    return reply.code(503).header('connection', 'close').send(body);
  });
  await secureAll(app, options);
  await documentation(app, version);
  await app.register(async (open) => healthRoutes(open as App, context));
  await app.register(async (scope) => {
    const api = scope as App;
    await secureApi(api, options);
    metricsRoute(api, context);
    modelRoutes(api, context);
    completionRoutes(api, context);
    embeddingRoutes(api, context);
    pipelineRoutes(api, context);
    explainRoutes(api, context);
    trainingRoutes(api, context);
  });
  await page(app, options.webFolder);
  return app;
}

async function documentation(app: App, version: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'weft',
        version,
        description:
          'Models of weft over HTTP: completions and embeddings as OpenAI has them, pipelines, explanations.',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      components: { securitySchemes: { key: { type: 'http', scheme: 'bearer' } } },
    },
    transform: jsonSchemaTransform,
  });
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    staticCSP: true,
    transformStaticCSP: () => contentSecurityPolicy,
  });
}

/** The web page, where it is built. */
async function page(app: App, folder: string | undefined): Promise<void> {
  if (folder !== undefined) {
    await app.register(fastifyStatic, {
      root: folder,
      index: 'index.html',
      dotfiles: 'ignore',
      cacheControl: false,
      // Names of assets change with their content; the page itself is asked for anew.
      setHeaders: (reply, path) => {
        const isAsset = path.startsWith(join(folder, 'assets'));
        reply.header('cache-control', isAsset ? 'public, max-age=31536000, immutable' : 'no-cache');
      },
    });
    return;
  }
  app.get('/', { schema: { hide: true } }, (_request, reply) =>
    reply
      .type('text/plain; charset=utf-8')
      .send('weft is here. The API: /docs. The web page is not built.\n'),
  );
}
