import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import type { ServedModelOptions, ServerOptions } from '../src/options.js';
import { type RandomModelSizes, writeRandomModels } from '../src/random-models.js';
import { createServer, type DemoServer } from '../src/server.js';

/** A folder that is gone when the file's tests are done. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'weft-server-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export interface Models {
  writer: ServedModelOptions;
  sorter: ServedModelOptions;
  reader: ServedModelOptions;
}

export async function smallModels(folder: string, sizes?: RandomModelSizes): Promise<Models> {
  const [writer, sorter, reader] = await writeRandomModels(folder, sizes);
  return { writer: writer!, sorter: sorter!, reader: reader! };
}

export interface Running {
  server: DemoServer;
  address: string;
  post(path: string, body: unknown, init?: RequestInit): Promise<Response>;
  /** Sum of a counter or gauge over its labels. */
  metric(name: string, labels?: Record<string, string>): Promise<number>;
}

/** A server on a free port of loopback, its models loaded. */
export async function start(options: ServerOptions): Promise<Running> {
  const server = await createServer({ port: 0, webFolder: false, rateLimit: false, threads: 1, ...options });
  const address = await server.listen();
  await server.ready();
  const [key] = options.apiKeys ?? [];
  const authorization: Record<string, string> = key ? { authorization: `Bearer ${key}` } : {};
  return {
    server,
    address,
    post: (path, body, { headers, ...init } = {}) =>
      fetch(address + path, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...authorization, ...(headers as object) },
        body: typeof body === 'string' ? body : JSON.stringify(body),
        ...init,
      }),
    metric: async (name, labels = {}) => {
      const text = await (await fetch(`${address}/metrics`, { headers: authorization })).text();
      const lines = text
        .split('\n')
        .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
      const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
      return lines
        .filter((line) => wanted.every((each) => line.includes(each)))
        .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
    },
  };
}

export interface ServerEvent {
  event: string;
  data: string;
}

/** The events of a stream, as they come. */
export async function* events(response: Response): AsyncGenerator<ServerEvent, void, void> {
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    text += decoder.decode(chunk, { stream: true });
    const blocks = text.split('\n\n');
    text = blocks.pop()!;
    for (const block of blocks) {
      const lines = block.split('\n');
      const field = (name: string): string | undefined =>
        lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
      const data = field('data');
      if (data !== undefined) yield { event: field('event') ?? 'message', data };
    }
  }
}

export async function codeOf(response: Response): Promise<string> {
  return ((await response.json()) as { error: { code: string } }).error.code;
}
