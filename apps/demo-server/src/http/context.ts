import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ResolvedOptions } from '../options.js';
import type { ModelHost } from '../pool/model-host.js';
import type { Ability, ModelPool } from '../pool/model-pool.js';
import type { GenerateEvent, Work, WorkKind } from '../pool/protocol.js';
import { RequestError } from '../request-error.js';
import { clientSignal, deadlineOf } from './client.js';
import type { Metrics } from './metrics.js';

/** What the routes work with. */
export interface Context {
  options: ResolvedOptions;
  pool: ModelPool;
  metrics: Metrics;
  /** Aborted when a shutdown no longer waits: streams without an end of their own stop. */
  closing: AbortSignal;
  /** Requests that have no whole answer yet. */
  inFlight: { count: number };
}

export interface Asking<K extends WorkKind> {
  model: string | undefined;
  ability: Ability;
  kind: K;
  params: Work[K]['params'];
  onEvent?: (event: GenerateEvent) => void;
}

/** Finds the model for a request and hands the work to it, with the request's deadline and its client's patience. */
export async function ask<K extends WorkKind>(
  { pool, options }: Context,
  request: FastifyRequest,
  reply: FastifyReply,
  { model, ability, kind, params, onEvent }: Asking<K>,
): Promise<{ host: ModelHost; result: Promise<Work[K]['result']> }> {
  const signal = clientSignal(reply);
  const started = performance.now();
  const deadlineMs = deadlineOf(request, options.deadlineMs);
  const host =
    pool.chooseNow(model, ability) ??
    (await within(deadlineMs, (patience) =>
      pool.choose(model, ability, AbortSignal.any([signal, patience])),
    ));
  const left = Math.max(1, Math.round(deadlineMs - (performance.now() - started)));
  const result = host.submit(kind, params, {
    signal,
    deadlineMs: left,
    ...(onEvent ? { onEvent } : {}),
  });
  return { host, result };
}

/** Choosing waits while a model loads, but not beyond the deadline. */
async function within<T>(deadlineMs: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const timer = setTimeout(() => {
    const message = `no model was ready within ${deadlineMs} ms`;
    controller.abort(new RequestError(504, 'deadline_exceeded', message));
  }, deadlineMs);
  try {
    return await work(controller.signal);
  } finally {
    clearTimeout(timer);
  }
}
