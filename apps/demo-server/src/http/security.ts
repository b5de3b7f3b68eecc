import bearerAuth from '@fastify/bearer-auth';
import cors from '@fastify/cors';
import helmet from '@fastify/helmet';
import rateLimit from '@fastify/rate-limit';
import { isLoopback, type ResolvedOptions } from '../options.js';
import { RequestError } from '../request-error.js';
import type { App } from './app.js';
import { errorBody } from './errors.js';

/** What pages of this server may load: their own files. */
const contentSecurity = {
  'default-src': ["'self'"],
  'script-src': ["'self'"],
  // The page and the documents set styles of elements.
  'style-src': ["'self'", "'unsafe-inline'"],
  'img-src': ["'self'", 'data:'],
  'object-src': ["'none'"],
  'frame-ancestors': ["'none'"],
  'base-uri': ["'self'"],
  'form-action': ["'self'"],
};

/** The same in one line, for pages whose plugin sets its own. */
export const contentSecurityPolicy = Object.entries(contentSecurity)
  .map(([name, sources]) => `${name} ${sources.join(' ')}`)
  .join(';');

/** What holds for every address: headers, and no pages of other origins. */
export async function secureAll(app: App, options: ResolvedOptions): Promise<void> {
  await app.register(helmet, {
    // No https is assumed: a proxy in front of the server says so itself.
    hsts: false,
    contentSecurityPolicy: { useDefaults: false, directives: contentSecurity },
  });
  await app.register(cors, { origin: false });
  refuseOtherHosts(app, options);
}

/**
 * A page of another site can make its own name lead to 127.0.0.1 and then ask as if it were of the same origin (DNS
 * rebinding). Where no key is needed, requests must name this machine.
 */
function refuseOtherHosts(app: App, { host, apiKeys }: ResolvedOptions): void {
  if (!isLoopback(host) || apiKeys.length > 0) return;
  app.addHook('onRequest', async (request, reply) => {
    // The host without its port; IPv6 addresses stand in brackets.
    const name = (request.headers.host ?? '').replace(/:\d+$/, '');
    if (isLoopback(name)) return;
    return reply
      .code(403)
      .send(errorBody(403, 'host_not_allowed', 'ask as 127.0.0.1 or localhost, or set WEFT_API_KEYS'));
  });
}

/** What holds for everything but health and pages: so many requests a minute, and a key where there are keys. */
export async function secureApi(api: App, { apiKeys, rateLimit: perMinute }: ResolvedOptions): Promise<void> {
  if (perMinute !== false) {
    await api.register(rateLimit, {
      max: perMinute,
      timeWindow: '1 minute',
      // What it gives is thrown, and sent by the server's own handler.
      errorResponseBuilder: (_request, { statusCode, after }) =>
        new RequestError(statusCode, 'rate_limit_exceeded', `too many requests; try again in ${after}`),
    });
  }
  if (apiKeys.length === 0) return;
  await api.register(bearerAuth, {
    keys: new Set(apiKeys),
    // After the limit on requests, so that keys cannot be guessed at leisure, and before a body is read.
    addHook: 'preParsing',
    // Its type knows one form of errors only.
    errorResponse: () =>
      errorBody(401, 'invalid_api_key', 'send a valid key: authorization: Bearer <key>') as object as {
        error: string;
      },
  });
}
