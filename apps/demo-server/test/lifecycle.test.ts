import { readdirSync, readFileSync } from 'node:fs';
import { getPriority } from 'node:os';
import { platform } from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createServer } from '../src/index.js';
import { ModelHost } from '../src/pool/model-host.js';
import { plainGeneration } from '../src/pool/plain.js';
import type { GenerateParams } from '../src/pool/protocol.js';
import { codeOf, events, type Models, type Running, smallModels, start, temporaryFolder } from './support.js';

const folder = temporaryFolder();
let models: Models;
let running: Running;

/** Long enough to be interrupted, short enough to be waited for. */
const long = { prompt: 'The weaver', max_tokens: 1500, temperature: 0 };
const short = { prompt: 'The weaver', max_tokens: 3, temperature: 0 };

beforeAll(async () => {
  models = await smallModels(folder, { width: 128, positions: 2048 });
  running = await start({ models: [models.writer], maxNewTokens: 2000, maxQueue: 8 });
});
afterAll(() => running.server.close());

const generated = () => running.metric('weft_tokens_total', { kind: 'generate' });

/** Waits until nothing is in hand. */
async function idle(): Promise<void> {
  while (running.server.pool.hosts.some(({ depth }) => depth > 0)) await sleep(10);
}

describe('a request', () => {
  it('stops costing anything within a token when its client goes away', async () => {
    const before = await generated();
    const controller = new AbortController();
    const response = await running.post(
      '/v1/completions',
      { ...long, stream: true },
      { signal: controller.signal },
    );
    let seen = 0;
    for await (const _ of events(response)) if (++seen === 5) break;
    controller.abort();
    await idle();
    const after = await generated();
    expect(after - before).toBeGreaterThanOrEqual(5);
    expect(after - before).toBeLessThan(long.max_tokens / 2);
    await sleep(100);
    expect(await generated()).toBe(after);
  });

  it('is cancelled too where it does not stream, and where it still waits', async () => {
    const before = await generated();
    const controllers = Array.from({ length: 4 }, () => new AbortController());
    const asked = controllers.map(({ signal }) =>
      running.post('/v1/completions', long, { signal }).then(
        () => 'answered',
        () => 'gone',
      ),
    );
    await sleep(100);
    for (const controller of controllers) controller.abort();
    expect(await Promise.all(asked)).toEqual(['gone', 'gone', 'gone', 'gone']);
    await idle();
    expect((await generated()) - before).toBeLessThan(4 * long.max_tokens);
    expect((await running.post('/v1/completions', short)).status).toBe(200);
  });

  it('ends at its deadline, with an error', async () => {
    const started = performance.now();
    const headers = { 'x-weft-deadline-ms': '80' };
    const response = await running.post('/v1/completions', long, { headers });
    expect(response.status).toBe(504);
    expect(await codeOf(response)).toBe('deadline_exceeded');
    expect(performance.now() - started).toBeLessThan(2000);
    // A stream that has begun tells it as its last event; one that has not is answered like the others.
    let stream: Response;
    for (let deadline = 80; ; deadline *= 2) {
      const patience = { 'x-weft-deadline-ms': String(deadline) };
      stream = await running.post('/v1/completions', { ...long, stream: true }, { headers: patience });
      if (stream.status === 200) break;
      await stream.text();
      await idle();
    }
    const all: string[] = [];
    for await (const { data } of events(stream)) all.push(data);
    expect(JSON.parse(all.at(-1)!)).toMatchObject({ error: { code: 'deadline_exceeded' } });
    await idle();
  });

  it('is refused with 429 and a time to come back when the queue is full', async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const asked = Array.from({ length: 20 }, () => running.post('/v1/completions', long, { signal }));
    const refused: Response[] = [];
    await new Promise<void>((resolve) => {
      for (const one of asked) {
        one.then(
          (response) => {
            refused.push(response);
            if (refused.length === 12) resolve();
          },
          () => {},
        );
      }
    });
    for (const response of refused) {
      expect(response.status).toBe(429);
      expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
      expect(await codeOf(response)).toBe('queue_full');
    }
    controller.abort();
    await Promise.allSettled(asked);
    await idle();
    expect((await running.post('/v1/completions', short)).status).toBe(200);
  });

  it('does not keep health from answering while models are busy', async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const busy = Array.from({ length: 6 }, () =>
      running.post('/v1/completions', { ...long, stream: true }, { signal }),
    );
    const responses = await Promise.all(busy);
    const drained = responses.map((response) => response.text().catch(() => ''));
    const times: number[] = [];
    for (let i = 0; i < 30; i++) {
      const started = performance.now();
      expect((await fetch(`${running.address}/healthz`)).status).toBe(200);
      times.push(performance.now() - started);
      await sleep(5);
    }
    expect(running.server.pool.hosts[0]!.depth).toBe(6);
    controller.abort();
    await Promise.all(drained);
    // The median: a single one may meet a pause of the machine.
    expect(times.sort((a, b) => a - b)[15]).toBeLessThan(50);
    await idle();
  });

  it.skipIf(platform !== 'linux')('stands back behind the event loop where cores are scarce', () => {
    // The field "nice" of each thread of this process; a name before it may hold anything but a last bracket.
    const priorities = readdirSync('/proc/self/task').map((thread) => {
      const line = readFileSync(`/proc/self/task/${thread}/stat`, 'utf8');
      return Number(line.slice(line.lastIndexOf(')') + 2).split(' ')[16]);
    });
    const own = getPriority();
    expect(priorities).toContain(Math.min(19, own + 10));
    expect(priorities.filter((each) => each === own).length).toBeGreaterThan(1);
  });
});

describe('a thread that dies', () => {
  it('is replaced; its requests get an error, later ones an answer', async () => {
    const [host] = running.server.pool.hosts;
    const plain = running.post('/v1/completions', long);
    const stream = await running.post('/v1/completions', { ...long, stream: true });
    await host!.worker!.terminate();
    const failed = await plain;
    expect(failed.status).toBe(503);
    expect(await codeOf(failed)).toBe('worker_lost');
    const last = (await stream.text()).trim().split('\n').at(-1)!;
    expect(JSON.parse(last.slice('data: '.length))).toMatchObject({ error: { code: 'worker_lost' } });
    // Asked while the next thread loads: it waits and is answered.
    expect((await fetch(`${running.address}/readyz`)).status).toBe(503);
    expect((await running.post('/v1/completions', short)).status).toBe(200);
    expect((await fetch(`${running.address}/readyz`)).status).toBe(200);
    expect(await running.metric('weft_worker_replaced_total')).toBe(1);
  });
});

describe('a thread that does not let go', () => {
  it('is replaced when it keeps a cancelled request too long', async () => {
    const reasons: string[] = [];
    const host = new ModelHost({
      id: 'slow',
      random: true,
      maxQueue: 8,
      hangMs: 5,
      observe: { ended: () => {}, batch: () => {}, replaced: (reason) => reasons.push(reason) },
      workerData: {
        source: models.writer.source,
        backend: 'cpu', // slow enough for a first step of half a second
        batching: { maxBatch: 8, windowMs: 0 },
        limits: { maxNewTokens: 64, maxAttentionTokens: 64, maxOcclusionTokens: 64 },
      },
    });
    await host.loaded();
    const controller = new AbortController();
    const slow = host.submit('generate', params(new Array(1500).fill(40)), {
      signal: controller.signal,
      deadlineMs: 60_000,
    });
    await sleep(100);
    controller.abort(new Error('gone'));
    await expect(slow).rejects.toThrow('gone');
    while (reasons.length === 0) await sleep(5);
    const later = await host.submit('generate', params([40]), {
      signal: new AbortController().signal,
      deadlineMs: 60_000,
    });
    expect(later.rows).toHaveLength(1);
    expect(reasons).toHaveLength(1);
    await host.close();
  });

  const params = (prompt: number[]): GenerateParams => ({
    ...plainGeneration,
    prompts: [prompt],
    maxNewTokens: 2,
    temperature: 0,
    stream: false,
  });
});

describe('a shutdown', () => {
  it('lets what runs end and takes nothing new', async () => {
    const { server, post, address } = await start({ models: [models.writer], maxNewTokens: 2000 });
    const response = await post('/v1/completions', { ...long, max_tokens: 300, stream: true });
    const text = response.text();
    const closed = server.close();
    const late = await post('/v1/completions', short).catch(() => undefined);
    expect(late === undefined || late.status === 503).toBe(true);
    expect(await text).toMatch(/data: \[DONE\]\n\n$/);
    await closed;
    await expect(fetch(`${address}/healthz`)).rejects.toThrow();
    expect(server.pool.hosts.every(({ depth }) => depth === 0)).toBe(true);
  });

  it('tells those that it no longer waits for', async () => {
    const { server, post } = await start({ models: [models.writer], maxNewTokens: 2000, shutdownMs: 0 });
    const stream = await post('/v1/completions', { ...long, stream: true });
    const text = stream.text();
    await server.close();
    expect(await text).toContain('"code":"shutting_down"');
  });

  it('is all there is to do where the port is taken', async () => {
    const second = await createServer({ port: Number(new URL(running.address).port) });
    await expect(second.listen()).rejects.toThrow(/another program listens/);
    await second.close();
  });

  it('gives a model that cannot be loaded a reason', async () => {
    await expect(start({ models: [`${folder}/none`] })).rejects.toThrow(/config\.json/);
  });
});
