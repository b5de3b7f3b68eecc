import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { env } from 'node:process';
import { fileURLToPath } from 'node:url';
import { isLocalFolder } from '@weft/checkpoint';
import { ConfigError } from '@weft/errors';
import type { FastifyServerOptions } from 'fastify';
import { z } from 'zod';

/** A model to serve: a folder or an id of the hub, and the name that requests know it by. */
export interface ServedModelOptions {
  /** Default: the folder's name, or the id. */
  id?: string;
  source: string;
  revision?: string;
  localFilesOnly?: boolean;
  /** Say with every answer that the weights were drawn, not trained. */
  random?: boolean;
}

/** How the server runs. Everything has a default that is safe on one's own machine. */
export interface ServerOptions {
  /** Default: 127.0.0.1. Other addresses than loopback need API keys. */
  host?: string;
  /** Default: 8080; 0 takes any free one. */
  port?: number;
  /** Folders, ids of the hub, or either with a name. */
  models?: readonly (string | ServedModelOptions)[];
  /** Folders whose model folders may be asked for by name; they are loaded when they first are. */
  modelRoots?: readonly string[];
  /** Models from `modelRoots` that are held at a time. Default: 2. */
  maxRootModels?: number;
  /** A folder in which Trainers write their `train.jsonl`, for the training view. */
  watch?: string;
  /** Default: those of the environment variable WEFT_API_KEYS, separated by commas; none: no key is asked for. */
  apiKeys?: readonly string[];
  /** Rows that go through a model together at most; 1 switches batching off. Default: 16. */
  maxBatch?: number;
  /** How long an idle model waits for company of a first request, in ms. Default: 2. */
  batchWindowMs?: number;
  /** Requests that a model holds at most, waiting and at work; more get 429. Default: 256. */
  maxQueue?: number;
  /** Every request ends by then, in ms. Default: 60000. */
  deadlineMs?: number;
  /** How long a shutdown waits for what runs, in ms. Default: 30000. */
  shutdownMs?: number;
  /** New tokens of one completion at most. Default: 512. */
  maxNewTokens?: number;
  /** Bytes of a request's body at most. Default: 1 MiB. */
  bodyLimit?: number;
  /** Requests a minute from one address; false: no limit. Default: 600. */
  rateLimit?: number | false;
  /** Fastify's: true, false, or pino's options. Texts of users are never logged. Default: false. */
  logger?: FastifyServerOptions['logger'];
  /** The tfjs backend of the models; default: chosen by itself. */
  backend?: string;
  /** Threads of the native kernels. Default: WEFT_NUM_THREADS, else one per core. */
  threads?: number;
  /** The built web page. Default: the package's own, where it is built. */
  webFolder?: string | false;
}

export interface ResolvedOptions
  extends Required<Omit<ServerOptions, 'models' | 'watch' | 'threads' | 'webFolder' | 'logger'>> {
  models: readonly (ServedModelOptions & { id: string })[];
  watch: string | undefined;
  threads: number | undefined;
  webFolder: string | undefined;
  logger: NonNullable<ServerOptions['logger']>;
}

const count = z.int().positive();
const schema = z.strictObject({
  host: z.string().min(1).default('127.0.0.1'),
  port: z.int().min(0).max(65535).default(8080),
  modelRoots: z.array(z.string().min(1)).default([]),
  maxRootModels: count.default(2),
  watch: z.string().min(1).optional(),
  apiKeys: z.array(z.string().min(8)).optional(),
  maxBatch: count.max(256).default(16),
  batchWindowMs: z.number().min(0).max(1000).default(2),
  maxQueue: count.default(256),
  deadlineMs: count.default(60_000),
  shutdownMs: z.int().min(0).default(30_000),
  maxNewTokens: count.default(512),
  bodyLimit: count.default(1024 * 1024),
  rateLimit: z.union([count, z.literal(false)]).default(600),
  backend: z.string().default('auto'),
  threads: count.optional(),
  webFolder: z.union([z.string(), z.literal(false)]).optional(),
});

/**
 * Checks options and fills them up.
 *
 * @throws ConfigError for values that make no sense, two models of one name, or an address that others can reach
 * without API keys
 */
export function resolveOptions(options: ServerOptions): ResolvedOptions {
  const { models = [], logger = false, ...rest } = options;
  const given = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
  const checked = schema.safeParse(given);
  if (!checked.success) {
    const [issue] = checked.error.issues;
    throw wrong(
      `${issue?.path.join('.') || 'options'} to fit`,
      issue?.message ?? 'something else',
      'correct the option',
    );
  }
  const { apiKeys = keysOfEnvironment(), webFolder, ...values } = checked.data;
  if (!isLoopback(values.host) && apiKeys.length === 0) {
    throw wrong(
      'API keys where others can reach the server',
      `host ${values.host} and no key`,
      'set WEFT_API_KEYS to one or more keys, or listen on 127.0.0.1',
    );
  }
  return {
    ...values,
    apiKeys,
    logger,
    models: namedModels(models),
    watch: values.watch,
    threads: values.threads,
    webFolder: webFolder === false ? undefined : (webFolder ?? builtPage()),
  };
}

const wrong = (expected: string, received: string, remedy: string): ConfigError =>
  new ConfigError({ operation: 'createServer', expected, received, remedy });

function keysOfEnvironment(): string[] {
  const keys = (env.WEFT_API_KEYS ?? '')
    .split(',')
    .map((key) => key.trim())
    .filter((key) => key !== '');
  if (keys.some((key) => key.length < 8)) {
    throw wrong('keys of 8 characters or more in WEFT_API_KEYS', 'a shorter one', 'use long random keys');
  }
  return keys;
}

export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || host === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(host);

function namedModels(
  models: readonly (string | ServedModelOptions)[],
): (ServedModelOptions & { id: string })[] {
  const named = models.map((model) => {
    const options = typeof model === 'string' ? { source: model } : model;
    return { ...options, id: options.id ?? nameOf(options.source) };
  });
  const names = named.map(({ id }) => id);
  const twice = names.find((id, i) => names.indexOf(id) !== i);
  if (twice !== undefined) {
    throw wrong('a name of its own for every model', `${twice} twice`, 'give one of them an id');
  }
  return named;
}

/** A folder is known by its own name: where it lies is nobody's business. */
const nameOf = (source: string): string =>
  isLocalFolder(source) ? basename(source.replace(/[/\\]+$/, '')) : source;

function builtPage(): string | undefined {
  const folder = fileURLToPath(new URL('../web/dist', import.meta.url));
  return existsSync(folder) ? folder : undefined;
}
