import type { FastifyReply, FastifyRequest } from 'fastify';

/** The client closed its connection: nobody waits for an answer. */
export class ClientGone extends Error {
  constructor() {
    super('the client is gone');
    this.name = 'ClientGone';
  }
}

// One for all: whoever catches it asks for its class, and a stack would tell nothing.
const gone = new ClientGone();

/** Aborts when the client closes its connection before it has its answer. */
export function clientSignal(reply: FastifyReply): AbortSignal {
  const controller = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) controller.abort(gone);
  });
  return controller.signal;
}

/** The request's own deadline, no later than the server's. */
export function deadlineOf(request: FastifyRequest, serverMs: number): number {
  const asked = Number(request.headers['x-weft-deadline-ms']);
  return Number.isFinite(asked) && asked >= 1 ? Math.min(Math.floor(asked), serverMs) : serverMs;
}
