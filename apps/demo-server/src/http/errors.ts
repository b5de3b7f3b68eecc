import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import { RequestError } from '../request-error.js';
import type { App } from './app.js';
import { ClientGone } from './client.js';

/** OpenAI's form of a failure. */
export interface ErrorBody {
  error: { message: string; type: string; param: string | null; code: string };
}

const typeOf = (status: number): string => {
  if (status === 401) return 'authentication_error';
  if (status === 429) return 'rate_limit_error';
  return status >= 500 ? 'server_error' : 'invalid_request_error';
};

export const errorBody = (status: number, code: string, message: string, param?: string): ErrorBody => ({
  error: { message, type: typeOf(status), param: param ?? null, code },
});

/** The body of any error that is met while answering. */
export function bodyOf(error: unknown): { status: number; body: ErrorBody; retryAfter?: number } {
  if (error instanceof RequestError) {
    const { status, code, message, param, retryAfter } = error;
    return {
      status,
      body: errorBody(status, code, message, param),
      ...(retryAfter === undefined ? {} : { retryAfter }),
    };
  }
  return { status: 500, body: errorBody(500, 'internal_error', 'something went wrong here') };
}

/** Fastify's own failures, by their code. Their messages may quote the request, so ours are sent. */
const known: Record<string, [status: number, code: string, message: string]> = {
  FST_ERR_CTP_BODY_TOO_LARGE: [413, 'body_too_large', 'the body is larger than this server takes'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: [
    415,
    'unsupported_media_type',
    'send JSON: content-type: application/json',
  ],
  FST_ERR_CTP_EMPTY_JSON_BODY: [400, 'invalid_body', 'the body is empty'],
  FST_ERR_CTP_INVALID_JSON_BODY: [400, 'invalid_body', 'the body is not JSON'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: [400, 'invalid_body', 'content-length does not fit the body'],
};

/** Makes every failure of the app one of OpenAI's form, and keeps what it quotes out of the log. */
export function handleErrors(app: App): void {
  app.setErrorHandler((error: FastifyError, request, reply) => {
    if (error instanceof ClientGone) return reply.code(499).send();
    if (hasZodFastifySchemaValidationErrors(error)) {
      const [issue] = error.validation;
      const path = (issue?.instancePath ?? '').replace(/^\//, '').replaceAll('/', '.');
      const message = `${path || error.validationContext || 'body'}: ${issue?.message ?? 'not what is expected'}`;
      return reply.code(400).send(errorBody(400, 'invalid_body', message, path || undefined));
    }
    const own = known[error.code];
    if (own) return reply.code(own[0]).send(errorBody(...own));
    if (error instanceof SyntaxError && error.statusCode === 400) {
      return reply.code(400).send(errorBody(400, 'invalid_body', 'the body is not JSON'));
    }
    return sendFailure(error, request, reply);
  });
  app.setNotFoundHandler((_request, reply) =>
    reply.code(404).send(errorBody(404, 'not_found', 'there is nothing at this address')),
  );
}

function sendFailure(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const { status, body, retryAfter } = bodyOf(error);
  if (status === 500) request.log.error({ err: error }, 'failed');
  if (retryAfter !== undefined) reply.header('retry-after', String(retryAfter));
  return reply.code(status).send(body);
}
