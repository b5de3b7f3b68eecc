import { readFile } from 'node:fs/promises';
import { ConfigError } from '@weft/errors';
import type { z } from 'zod';
import { type HubOptions, resolveModelFiles } from './resolve.js';

/**
 * Checks a configuration against a schema; keys keep the spelling of config.json, and keys that the schema
 * does not know are kept, so that they are written back as they came.
 *
 * @param schema a loose object of zod, so that unknown keys pass through
 * @param where the file, for the error
 * @throws ConfigError that lists every key at fault
 * @example
 * ```ts
 * import { parseConfig } from '@weft/checkpoint';
 * import { z } from 'zod';
 *
 * const schema = z.looseObject({ n_embd: z.int().positive(), n_head: z.int().default(12) });
 * const config = parseConfig({ n_embd: 768, mine: 'kept' }, schema, 'config.json');
 * console.assert(config.n_head === 12 && config.mine === 'kept');
 * ```
 */
export function parseConfig<Schema extends z.ZodType>(
  value: unknown,
  schema: Schema,
  where: string,
): z.infer<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issues = result.error.issues.map(
    ({ path, message }) => `${path.join('.') || 'the whole'}: ${message}`,
  );
  throw new ConfigError({
    operation: 'read configuration',
    expected: `a configuration of the right form in ${where}`,
    received: issues.join('; '),
    remedy: 'mend these keys, or use the configuration that belongs to the model',
  });
}

/** Reads a JSON file; @throws ConfigError when it cannot be read or is not JSON. */
export async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as unknown;
  } catch (cause) {
    throw new ConfigError({
      operation: 'read JSON',
      expected: `valid JSON in ${path}`,
      received: (cause as Error).message,
      remedy: 'mend the file, or fetch it again',
      cause,
    });
  }
}

/**
 * Reads and checks config.json of a folder or a model of the hub.
 *
 * @throws ConfigError, CheckpointError, DownloadError
 */
export async function readConfig<Schema extends z.ZodType>(
  source: string,
  schema: Schema,
  options: HubOptions = {},
): Promise<z.infer<Schema>> {
  const { 'config.json': path } = await resolveModelFiles(source, { ...options, files: ['config.json'] });
  return parseConfig(await readJson(path!), schema, path!);
}
