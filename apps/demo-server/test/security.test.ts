import { cpSync, mkdirSync, symlinkSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { ConfigError } from '@weft/errors';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createServer } from '../src/index.js';
import { codeOf, type Models, type Running, smallModels, start, temporaryFolder } from './support.js';

const folder = temporaryFolder();
const KEY = 'a-long-enough-key';
const SECRET = 'xylophone-quartz';
const log: string[] = [];
let models: Models;
let open: Running;
let locked: Running;
let narrow: Running;

beforeAll(async () => {
  models = await smallModels(join(folder, 'outside'));
  // A folder of models: one inside, one that is a link to the outside.
  mkdirSync(join(folder, 'root', 'team'), { recursive: true });
  cpSync(models.sorter.source, join(folder, 'root', 'team', 'inside'), { recursive: true });
  cpSync(models.reader.source, join(folder, 'root', 'team', 'second'), { recursive: true });
  symlinkSync(models.writer.source, join(folder, 'root', 'link'));
  const stream = new Writable({
    write(chunk, _encoding, done) {
      log.push(String(chunk));
      done();
    },
  });
  open = await start({
    models: [models.writer],
    modelRoots: [join(folder, 'root')],
    logger: { level: 'trace', stream },
  });
  narrow = await start({ modelRoots: [join(folder, 'root')], maxRootModels: 1 });
  locked = await start({ apiKeys: [KEY], rateLimit: 8, bodyLimit: 2000 });
});
afterAll(async () => {
  await open.server.close();
  await locked.server.close();
  await narrow.server.close();
});

describe('names of models', () => {
  it('lead to folders inside the roots', async () => {
    const { data } = (await (await fetch(`${open.address}/v1/models`)).json()) as {
      data: { id: string; weft: { state: string } }[];
    };
    expect(data.map(({ id }) => id)).toEqual(['random-gpt2', 'team/inside', 'team/second']);
    expect(data[1]!.weft.state).toBe('available');
    const response = await open.post('/explain/tokenize', { model: 'team/inside', text: 'the cloth' });
    expect(response.status).toBe(200);
  });

  it.each([
    '../outside/random-sentiment',
    'team/../../outside/random-sentiment',
    '/etc',
    'link',
    'team',
    '.',
    '..',
    'team//inside',
    'team\\..\\..\\outside',
    'inside\u0000',
    '%2e%2e/outside/random-sentiment',
    'constructor',
    'a'.repeat(200),
  ])('lead nowhere else: %s', async (model) => {
    const response = await open.post('/v1/completions', { model, prompt: 'a' });
    expect(response.status).toBe(404);
    expect(await codeOf(response)).toBe('model_not_found');
  });

  it('take turns where there are more of them than places', async () => {
    const states = async () => {
      const { data } = (await (await fetch(`${narrow.address}/v1/models`)).json()) as {
        data: { id: string; weft: { state: string } }[];
      };
      return Object.fromEntries(data.map(({ id, weft }) => [id, weft.state]));
    };
    const ask = (model: string) => narrow.post('/explain/tokenize', { model, text: 'the cloth' });
    expect((await ask('team/inside')).status).toBe(200);
    expect(await states()).toEqual({ 'team/inside': 'ready', 'team/second': 'available' });
    expect((await ask('team/second')).status).toBe(200);
    expect(await states()).toEqual({ 'team/inside': 'available', 'team/second': 'ready' });
  });

  it('cannot be paths in the address either', async () => {
    for (const path of [
      '/v1/models/..%2f..%2fetc%2fpasswd',
      '/..%2f..%2fetc/passwd',
      '/docs/..%2f..%2fpackage.json',
    ]) {
      expect((await fetch(open.address + path)).status).toBe(404);
    }
  });
});

describe('keys', () => {
  it('are asked for everywhere but health, pages and documents', async () => {
    for (const path of ['/v1/models', '/training/runs', '/metrics']) {
      const response = await fetch(locked.address + path);
      expect(response.status).toBe(401);
      expect(await codeOf(response)).toBe('invalid_api_key');
    }
    for (const path of ['/healthz', '/readyz', '/', '/docs/json']) {
      expect((await fetch(locked.address + path)).status).toBe(200);
    }
  });

  it('open the door when they are right', async () => {
    const ask = (key: string) =>
      fetch(`${locked.address}/v1/models`, { headers: { authorization: `Bearer ${key}` } });
    expect((await ask('another-long-key')).status).toBe(401);
    expect((await ask(KEY)).status).toBe(200);
  });

  it('are needed where others can reach the server', async () => {
    await expect(createServer({ host: '0.0.0.0', apiKeys: [] })).rejects.toThrow(ConfigError);
    await expect(createServer({ apiKeys: ['short'] })).rejects.toThrow(ConfigError);
  });
});

describe('limits', () => {
  it('hold for the number of requests', async () => {
    const all = await Promise.all(Array.from({ length: 9 }, () => fetch(`${locked.address}/v1/models`)));
    const refused = all.find(({ status }) => status === 429)!;
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await codeOf(refused)).toBe('rate_limit_exceeded');
    expect((await fetch(`${locked.address}/healthz`)).status).toBe(200);
  });

  it('hold for bodies and what is in them', async () => {
    const body = { prompt: 'a'.repeat(1_100_000) };
    const large = await open.post('/v1/completions', body);
    expect(large.status).toBe(413);
    expect(await codeOf(large)).toBe('body_too_large');
    expect((await open.post('/v1/completions', { prompt: 'a'.repeat(210_000) })).status).toBe(400);
    expect((await open.post('/v1/completions', { prompt: 'a', max_tokens: 513 })).status).toBe(400);
    const pipeline = { inputs: 'a', parameters: { maxNewTokens: 513 } };
    expect((await open.post('/pipelines/text-generation', pipeline)).status).toBe(400);
    const beams = { inputs: 'a', parameters: { numBeams: 9 } };
    expect((await open.post('/pipelines/text-generation', beams)).status).toBe(400);
  });

  it('hold for the form of bodies', async () => {
    const broken = await open.post('/v1/completions', '{"prompt": ');
    expect(broken.status).toBe(400);
    expect(await codeOf(broken)).toBe('invalid_body');
    const text = await open.post('/v1/completions', '{}', { headers: { 'content-type': 'text/plain' } });
    expect(text.status).toBe(415);
    expect((await open.post('/explain/tokenize', { text: 5 })).status).toBe(400);
    expect((await open.post('/pipelines/nothing', { inputs: 'a' })).status).toBe(404);
    expect((await open.post('/nothing', {})).status).toBe(404);
  });
});

describe('browsers', () => {
  it('get headers that protect them, and no leave for other origins', async () => {
    const headers = { origin: 'https://elsewhere.example' };
    const response = await fetch(`${open.address}/healthz`, { headers });
    expect(response.headers.get('content-security-policy')).toContain("default-src 'self'");
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    expect(response.headers.get('x-powered-by')).toBeNull();
    expect(response.headers.get('access-control-allow-origin')).toBeNull();
  });

  it('cannot be led here under another name', async () => {
    const status = await new Promise<number>((resolve, reject) => {
      const url = new URL(`${open.address}/v1/models`);
      request(url, { headers: { host: 'elsewhere.example' } }, (response) => {
        response.resume();
        resolve(response.statusCode!);
      })
        .on('error', reject)
        .end();
    });
    expect(status).toBe(403);
  });

  it('find the documents', async () => {
    const response = await fetch(`${open.address}/docs/`);
    expect(response.status).toBe(200);
    const document = (await (await fetch(`${open.address}/docs/json`)).json()) as { paths: object };
    expect(Object.keys(document.paths)).toEqual(
      expect.arrayContaining(['/v1/completions', '/v1/embeddings', '/pipelines/{task}', '/explain/generate']),
    );
  });
});

describe('the log', () => {
  it('holds nothing that users write', async () => {
    await open.post('/v1/completions', { prompt: SECRET, max_tokens: 2 });
    await open.post('/v1/completions', { prompt: SECRET, stop: 5 });
    await open.post('/v1/completions', `{"prompt": "${SECRET}`);
    await open.post('/v1/completions', { prompt: 'a', model: SECRET });
    await open.post('/pipelines/text-generation', { inputs: { [SECRET]: SECRET } });
    await open.post('/pipelines/text-generation', { inputs: 'a', parameters: { [SECRET]: SECRET } });
    await open.post('/explain/tokenize', { text: SECRET });
    await open.post(`/${SECRET}?q=${SECRET}`, {}, { headers: { 'user-agent': SECRET } });
    expect(log.length).toBeGreaterThan(10);
    expect(log.join('')).not.toContain(SECRET);
    expect(log.join('')).toContain('/v1/completions');
  });
});
