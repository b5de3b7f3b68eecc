import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { ConfigError } from '@weft/errors';
import { type App, buildApp } from './http/app.js';
import type { Context } from './http/context.js';
import { Metrics } from './http/metrics.js';
import { type ResolvedOptions, resolveOptions, type ServerOptions } from './options.js';
import { ModelPool } from './pool/model-pool.js';

/** A server that is put together. It answers once it listens. */
export interface DemoServer {
  /** Fastify itself: for `inject` in tests, and for routes of one's own before it listens. */
  readonly app: App;
  readonly pool: ModelPool;
  /**
   * Begins to listen, while models may still be loading.
   *
   * @returns the address, such as http://127.0.0.1:8080
   * @throws ConfigError where the address is not to be had
   */
  listen(): Promise<string>;
  /**
   * Resolves when every model is loaded.
   *
   * @throws ConfigError when one cannot be
   */
  ready(): Promise<void>;
  /** Takes no more requests, lets what runs end (as long as `shutdownMs` allows), and stops. */
  close(): Promise<void>;
}

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

/**
 * Puts a server together and starts to load its models, each in a thread of its own.
 *
 * @throws ConfigError for options that make no sense, or an address that others can reach without API keys
 * @example
 * ```ts
 * import { createServer } from '@weft/demo-server';
 *
 * const server = await createServer({ port: 0 }); // models: ['./my-gpt2', 'gpt2']
 * const address = await server.listen();
 * const answer = await fetch(`${address}/healthz`);
 * console.assert(answer.status === 200);
 * await server.close();
 * ```
 */
export async function createServer(options: ServerOptions = {}): Promise<DemoServer> {
  const resolved = resolveOptions(options);
  const metrics = new Metrics();
  const pool = new ModelPool(resolved, metrics);
  metrics.watch(() => pool);
  const closing = new AbortController();
  const context: Context = {
    options: resolved,
    pool,
    metrics,
    closing: closing.signal,
    inFlight: { count: 0 },
  };
  let app: App;
  try {
    app = await buildApp(context, version);
  } catch (error) {
    await pool.close();
    throw error;
  }
  let closed: Promise<void> | undefined;
  return {
    app,
    pool,
    listen: () => listenOn(app, resolved),
    ready: () => allLoaded(pool),
    close: () => {
      closed ??= shutDown(app, context, closing);
      return closed;
    },
  };
}

async function listenOn(app: App, { host, port }: Pick<ResolvedOptions, 'host' | 'port'>): Promise<string> {
  try {
    return await app.listen({ host, port });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EADDRINUSE' && code !== 'EACCES' && code !== 'EADDRNOTAVAIL') throw error;
    throw new ConfigError({
      operation: 'listen',
      expected: `an address that is free: ${host}, port ${port}`,
      received: code === 'EADDRINUSE' ? 'one that another program listens on' : code,
      remedy: 'choose another port, 0 for any that is free, or another host',
      cause: error,
    });
  }
}

async function allLoaded(pool: ModelPool): Promise<void> {
  await Promise.all(pool.fixed.map((host) => host.loaded()));
  const failed = pool.fixed.find(({ state }) => state === 'failed');
  if (!failed) return;
  throw new ConfigError({
    operation: `serve ${failed.id}`,
    expected: 'a model that can be loaded',
    received: failed.failure ?? 'a thread that ended',
    remedy: 'correct the folder or the id, or leave the model out',
  });
}

/** How long a client may take to read the last of its answer, in ms. */
const LAST_WORDS = 2000;

async function shutDown(app: App, context: Context, closing: AbortController): Promise<void> {
  const { pool, options, inFlight } = context;
  // Streams that have no end of their own would hold the connections open.
  closing.abort();
  await until(() => pool.hosts.every(({ depth }) => depth === 0), options.shutdownMs);
  // What is left gets an error now, and its answer ends with it.
  await pool.close();
  const closed = app.close();
  await until(() => inFlight.count === 0, LAST_WORDS);
  // Connections on which nothing was ever asked do not count as idle for Node, and would hold it up for a minute.
  app.server.closeAllConnections();
  await closed;
}

async function until(holds: () => boolean, limitMs: number): Promise<void> {
  const end = performance.now() + limitMs;
  while (!holds() && performance.now() < end) await sleep(10);
}
