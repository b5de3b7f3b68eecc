import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { WeftError } from '@weft/errors';
import { seededRandom } from '@weft/testing';
import { expect, vi } from 'vitest';
import { HubServer } from './hub-server.js';

const random = seededRandom(5);
/** Weights that take several pieces to send. */
export const large = Buffer.from(Array.from({ length: 300_000 }, () => Math.floor(random() * 256)));

const settings = ['HF_TOKEN', 'HF_HUB_CACHE', 'HF_HUB_OFFLINE', 'HTTP_PROXY', 'HTTPS_PROXY'];

export interface HubHome {
  /** Has config.json and model.safetensors of `org/model`. */
  server: HubServer;
  /** An empty folder that the cache goes to. */
  home: string;
}

/** A hub on this machine that all settings point to; {@link stopHub} takes it back. */
export async function startHub(): Promise<HubHome> {
  const server = await HubServer.start();
  server.add('config.json', '{"vocab_size": 7}');
  server.add('model.safetensors', large, true);
  const home = await mkdtemp(join(tmpdir(), 'weft-hub-'));
  for (const name of [...settings, ...settings.map((each) => each.toLowerCase())])
    vi.stubEnv(name, undefined);
  vi.stubEnv('HF_ENDPOINT', server.url);
  vi.stubEnv('HF_HOME', home);
  return { server, home };
}

export async function stopHub({ server, home }: HubHome): Promise<void> {
  vi.unstubAllEnvs();
  await server.stop();
  await rm(home, { recursive: true, force: true });
}

/** What the cache of a model holds, by digest. */
export async function blobs(model: string): Promise<string[]> {
  const folder = join(model, 'blobs');
  return existsSync(folder) ? readdir(folder) : [];
}

export function errorOf(promise: Promise<unknown>): Promise<WeftError> {
  return promise.then(
    () => expect.fail('no error came'),
    (error: unknown) => error as WeftError,
  );
}
