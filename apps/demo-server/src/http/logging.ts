import type { FastifyReply, FastifyRequest, FastifyServerOptions } from 'fastify';

/**
 * What the log holds of a request: the route's pattern, never the address, the body or a message that may quote
 * them.
 */
const serializers = {
  req: (request: FastifyRequest) => ({
    id: request.id,
    method: request.method,
    route: request.routeOptions?.url ?? 'none',
  }),
  res: (reply: FastifyReply) => ({ status: reply.statusCode }),
  err: (error: Error & { code?: string }) => ({
    type: error.name,
    message: '',
    ...(error.code === undefined ? {} : { code: error.code }),
    stack: (error.stack ?? '')
      .split('\n')
      .filter((line) => /^\s+at /.test(line))
      .join('\n'),
  }),
};

/** Fastify's logger with serializers that tell nothing of what users write. */
export function safeLogger(
  logger: NonNullable<FastifyServerOptions['logger']>,
): FastifyServerOptions['logger'] {
  if (logger === false) return false;
  const options = logger === true ? {} : logger;
  return { level: 'info', ...options, serializers } as FastifyServerOptions['logger'];
}
