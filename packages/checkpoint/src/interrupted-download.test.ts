import { existsSync } from 'node:fs';
import { lstat, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DownloadError } from '@weft/errors';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { blobs, errorOf, large, startHub, stopHub } from '../test/hub-home.js';
import { breakAfter, type HubServer, sha256 } from '../test/hub-server.js';
import { resolveModelFiles } from './resolve.js';

let server: HubServer;
let home: string;
let model: string;

beforeEach(async () => {
  ({ server, home } = await startHub());
  model = join(home, 'hub', 'models--org--model');
});
afterEach(() => stopHub({ server, home }));

const weights = { files: ['model.safetensors'] };

describe('an interrupted download', () => {
  it('goes on where it ended, within one call', async () => {
    let broken = 0;
    server.fault = (...args) => broken++ < 4 && breakAfter(50_000)(...args);
    const { 'model.safetensors': path } = await resolveModelFiles('org/model', weights);
    expect((await readFile(path!)).equals(large)).toBe(true);
    const starts = server.stored.map(({ range }) => Number(/\d+/.exec(range ?? '0')![0]));
    expect(starts).toHaveLength(5);
    expect(starts[4]).toBeGreaterThan(0);
    expect(starts).toEqual([...starts].sort((a, b) => a - b));
  });

  it('leaves a typed error and what has come, which the next call takes up', async () => {
    let broken = 0;
    server.fault = (...args) => breakAfter(broken++ === 0 ? 120_000 : 0)(...args);
    const error = await errorOf(resolveModelFiles('org/model', weights));
    expect(error).toBeInstanceOf(DownloadError);
    expect(await blobs(model)).toEqual([`${sha256(large)}.weft.incomplete`]);
    expect(existsSync(join(model, 'snapshots'))).toBe(false);
    expect(existsSync(join(model, 'refs'))).toBe(false);

    server.fault = undefined;
    const before = server.stored.length;
    const { 'model.safetensors': path } = await resolveModelFiles('org/model', weights);
    expect((await readFile(path!)).equals(large)).toBe(true);
    expect(server.stored).toHaveLength(before + 1);
    expect(server.stored.at(-1)!.range).toMatch(/^bytes=[1-9]\d*-$/);
    expect(await blobs(model)).toEqual([sha256(large)]);
  });

  it('is taken up from a process that was killed', async () => {
    const { spawnSync } = await import('node:child_process');
    const { hostname } = await import('node:os');
    const dead = spawnSync(process.execPath, ['-e', '']).pid;
    await mkdir(join(model, 'blobs'), { recursive: true });
    const host = hostname().replace(/[^\w]/g, '_');
    const orphan = join(model, 'blobs', `${sha256(large)}.weft-${host}-${dead}-0badcafe.incomplete`);
    await writeFile(orphan, large.subarray(0, 200_000));
    await resolveModelFiles('org/model', weights);
    expect(server.stored.map(({ range }) => range)).toEqual(['bytes=200000-']);
    expect(await blobs(model)).toEqual([sha256(large)]);
  });

  it('starts over where the server knows no ranges, or where too much is there', async () => {
    await mkdir(join(model, 'blobs'), { recursive: true });
    const resting = join(model, 'blobs', `${sha256(large)}.weft.incomplete`);
    server.hasRanges = false;
    await writeFile(resting, large.subarray(0, 1000));
    const { 'model.safetensors': path } = await resolveModelFiles('org/model', weights);
    expect((await readFile(path!)).equals(large)).toBe(true);

    await rm(model, { recursive: true });
    await mkdir(join(model, 'blobs'), { recursive: true });
    await writeFile(resting, Buffer.alloc(large.length + 1));
    await resolveModelFiles('org/model', weights);
    expect((await readFile(path!)).equals(large)).toBe(true);
  });

  it('stops at a signal and can go on', async () => {
    const controller = new AbortController();
    server.fault = (_request, response, content) => {
      response.writeHead(200, { 'Content-Length': content.length });
      response.write(content.subarray(0, 100_000)); // and then nothing
      return true;
    };
    const options = {
      ...weights,
      signal: controller.signal,
      onProgress: () => controller.abort(new Error('enough')),
    };
    expect((await errorOf(resolveModelFiles('org/model', options))).message).toBe('enough');
    server.fault = undefined;
    await vi.waitFor(async () => expect(await blobs(model)).toEqual([`${sha256(large)}.weft.incomplete`]));
    await resolveModelFiles('org/model', weights);
    expect(server.stored.at(-1)!.range).toMatch(/^bytes=/);
  });
});

describe('wrong bytes', () => {
  it('never get a name in the cache', async () => {
    server.fault = (_request, response, content) => {
      const changed = Buffer.from(content);
      changed[3] = changed[3]! ^ 1;
      response.end(changed);
      return true;
    };
    for (const file of ['model.safetensors', 'config.json']) {
      const error = await errorOf(resolveModelFiles('org/model', { files: [file] }));
      expect(error).toBeInstanceOf(DownloadError);
      expect(error.expected).toMatch(/sha256|git-sha1/);
    }
    expect(await blobs(model)).toEqual([]);
    expect(existsSync(join(model, 'snapshots'))).toBe(false);
  });

  it('more of them than there should be are not written to the end', async () => {
    server.fault = (_request, response, content) => {
      response.write(content);
      const flood = setInterval(() => response.write(content), 1);
      response.on('close', () => clearInterval(flood));
      return true;
    };
    const error = await errorOf(resolveModelFiles('org/model', weights));
    expect(error.received).toBe('more bytes than that');
    expect(await blobs(model)).toEqual([]);
  });

  it('of an earlier try are noticed too', async () => {
    await mkdir(join(model, 'blobs'), { recursive: true });
    await writeFile(join(model, 'blobs', `${sha256(large)}.weft.incomplete`), Buffer.alloc(1000));
    expect(await errorOf(resolveModelFiles('org/model', weights))).toBeInstanceOf(DownloadError);
    const { 'model.safetensors': path } = await resolveModelFiles('org/model', weights);
    expect((await readFile(path!)).equals(large)).toBe(true);
  });
});

describe('a full disk', () => {
  // /dev/full takes no byte: what a full disk does, without one.
  it.skipIf(!existsSync('/dev/full'))('is a typed error, and leaves nothing half', async () => {
    await mkdir(join(model, 'blobs'), { recursive: true });
    await symlink('/dev/full', join(model, 'blobs', `${sha256(large)}.weft.incomplete`));
    const error = await errorOf(resolveModelFiles('org/model', weights));
    expect(error).toBeInstanceOf(DownloadError);
    expect(error.received).toContain('full disk');
    expect(error.remedy).toContain('HF_HUB_CACHE');
    expect(await blobs(model)).toEqual([]);
    await resolveModelFiles('org/model', weights);
  });
});

describe('several at once', () => {
  it('share one download of a file', async () => {
    const seen: number[] = [0, 0, 0];
    const calls = seen.map((_, i) =>
      resolveModelFiles('org/model', { ...weights, onProgress: ({ loaded }) => (seen[i] = loaded) }),
    );
    const found = await Promise.all(calls);
    expect(found[0]).toEqual(found[2]);
    expect(server.stored).toHaveLength(1);
    expect(seen).toEqual([large.length, large.length, large.length]);
  });

  it('one may leave without the others', async () => {
    let open = (): void => undefined;
    server.fault = (_request, response, content) => {
      response.writeHead(200, { 'Content-Length': content.length });
      response.write(content.subarray(0, 1000));
      open = () => response.end(content.subarray(1000));
      return true;
    };
    const controller = new AbortController();
    const first = errorOf(resolveModelFiles('org/model', { ...weights, signal: controller.signal }));
    const second = resolveModelFiles('org/model', weights);
    await vi.waitFor(() => expect(server.stored).toHaveLength(1));
    await vi.waitFor(() => expect(server.requests.filter(({ method }) => method === 'POST')).toHaveLength(2));
    await new Promise((resolve) => setTimeout(resolve, 50));
    controller.abort();
    expect((await first).name).toBe('AbortError');
    open();
    expect((await readFile((await second)['model.safetensors']!)).equals(large)).toBe(true);
  });

  it('do not spoil the file when they cannot know of each other', async () => {
    // Fresh copies of the modules stand for other processes.
    const copies = [];
    for (let i = 0; i < 4; i++) {
      vi.resetModules();
      copies.push(await import('./resolve.js'));
    }
    let requests = 0;
    server.fault = (...args) => requests++ % 2 === 0 && breakAfter(70_000)(...args);
    const found = await Promise.all(copies.map((copy) => copy.resolveModelFiles('org/model', weights)));
    for (const { 'model.safetensors': path } of found) {
      expect((await readFile(path!)).equals(large)).toBe(true);
    }
    expect(await blobs(model)).toEqual([sha256(large)]);
    expect((await lstat(found[0]!['model.safetensors']!)).isSymbolicLink()).toBe(true);
  });
});
