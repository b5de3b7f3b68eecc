import { once } from 'node:events';
import { defaultModels } from './default-models.js';
import { resolveOptions, type ServerOptions } from './options.js';
import { createServer } from './server.js';

export interface ServeOptions extends ServerOptions {
  /** Stops the server: what runs may end first. */
  signal: AbortSignal;
  /** Told the address once the server listens; models may still be loading. */
  onListening?: (address: string) => void;
  /** Told when every model is loaded. */
  onReady?: (models: readonly string[]) => void;
  /** Told what people should know, such as which models answer where none was named. */
  onNotice?: (notice: string) => void;
}

/**
 * Runs a server until the signal: what `weft serve` and `npm run serve` do. Without models and roots it serves the
 * default ones.
 *
 * @returns when the server has stopped
 * @throws ConfigError for wrong options, a port that is taken and models that cannot be loaded
 * @example
 * ```ts no-run
 * import { serve } from '@weft/demo-server';
 *
 * const controller = new AbortController();
 * process.once('SIGINT', () => controller.abort());
 * await serve({ models: ['gpt2'], signal: controller.signal, onListening: (address) => console.log(address) });
 * ```
 */
export async function serve(options: ServeOptions): Promise<void> {
  const { signal, onListening, onReady, onNotice, ...rest } = options;
  // Wrong options are told before anything is made for them.
  resolveOptions(rest);
  const hasModels = (rest.models?.length ?? 0) + (rest.modelRoots?.length ?? 0) > 0;
  const defaults = hasModels ? undefined : await defaultModels();
  if (defaults) onNotice?.(defaults.notice);
  await run({ ...rest, ...(defaults ? { models: defaults.models } : {}) }, options);
}

async function run(
  serverOptions: ServerOptions,
  { signal, onListening, onReady }: Pick<ServeOptions, 'signal' | 'onListening' | 'onReady'>,
): Promise<void> {
  const server = await createServer(serverOptions);
  try {
    const stopped = signal.aborted ? Promise.resolve() : once(signal, 'abort');
    onListening?.(await server.listen());
    const ready = server.ready();
    await Promise.race([ready, stopped]);
    // A stop while models load is no failure of theirs.
    ready.catch(() => {});
    if (!signal.aborted) onReady?.(server.pool.fixed.map(({ id }) => id));
    await stopped;
  } finally {
    await server.close();
  }
}
