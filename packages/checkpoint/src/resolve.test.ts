import { existsSync } from 'node:fs';
import { lstat, mkdir, mkdtemp, readdir, readFile, readlink, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CheckpointError, DownloadError, InputError, type WeftError } from '@weft/errors';
import { seededRandom } from '@weft/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { answerStatus, breakAfter, gitHash, HubServer, sha256 } from '../test/hub-server.js';
import type { DownloadProgress } from './download.js';
import { openWeights } from './open-weights.js';
import { resolveModelFiles } from './resolve.js';
import { writeSafetensors } from './write-safetensors.js';

const random = seededRandom(5);
const large = Buffer.from(Array.from({ length: 300_000 }, () => Math.floor(random() * 256)));

let server: HubServer;
let home: string;
let model: string;

beforeEach(async () => {
  server = await HubServer.start();
  server.add('config.json', '{"vocab_size": 7}');
  server.add('model.safetensors', large, true);
  home = await mkdtemp(join(tmpdir(), 'weft-hub-'));
  model = join(home, 'hub', 'models--org--model');
  vi.stubEnv('HF_ENDPOINT', server.url);
  vi.stubEnv('HF_HOME', home);
  for (const name of [
    'HF_TOKEN',
    'HF_HUB_CACHE',
    'HF_HUB_OFFLINE',
    'HTTP_PROXY',
    'HTTPS_PROXY',
    'http_proxy',
    'https_proxy',
  ])
    vi.stubEnv(name, undefined);
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await server.stop();
  await rm(home, { recursive: true, force: true });
});

const both = { files: ['config.json'], optionalFiles: ['model.safetensors', 'vocab.txt'] };
const weights = { files: ['model.safetensors'] };

async function errorOf(promise: Promise<unknown>): Promise<WeftError> {
  return promise.then(
    () => expect.fail('no error came'),
    (error: unknown) => error as WeftError,
  );
}

async function blobs(): Promise<string[]> {
  return existsSync(join(model, 'blobs')) ? readdir(join(model, 'blobs')) : [];
}

describe('a folder', () => {
  it('gives what is there, and one error for all that is missing', async () => {
    const folder = join(home, 'mine');
    await mkdir(folder);
    await writeFile(join(folder, 'config.json'), '{}');
    expect(await resolveModelFiles(folder, { files: ['config.json'], optionalFiles: ['vocab.txt'] })).toEqual(
      {
        'config.json': join(folder, 'config.json'),
      },
    );
    const error = await errorOf(resolveModelFiles(folder, { files: ['a.json', 'config.json', 'b.json'] }));
    expect(error).toBeInstanceOf(CheckpointError);
    expect((error as CheckpointError).keys).toEqual(['a.json', 'b.json']);
    expect(server.requests).toEqual([]);
  });

  it('is what begins like a path, even if it does not exist', async () => {
    for (const path of ['./none', '../none', '/none/here']) {
      const error = await errorOf(resolveModelFiles(path, { files: ['config.json'] }));
      expect(error).toBeInstanceOf(CheckpointError);
      expect(error.received).toBe('no such folder');
    }
  });
});

describe('names from outside', () => {
  it('never lead out of the model or the cache', async () => {
    for (const file of ['../x', 'a/../../x', '/etc/passwd', 'a//b', '', 'a\\b', 'c:x', '.']) {
      expect(await errorOf(resolveModelFiles('org/model', { files: [file] }))).toBeInstanceOf(InputError);
    }
    for (const revision of ['..', 'a/../b', '/x', 'a b', '']) {
      const options = { files: ['config.json'], revision };
      expect(await errorOf(resolveModelFiles('org/model', options))).toBeInstanceOf(InputError);
    }
    for (const id of ['a/b/c', 'a b', '', 'a/..', 'https://x/y']) {
      expect(await errorOf(resolveModelFiles(id, { files: [] }))).toBeInstanceOf(InputError);
    }
    expect(server.requests).toEqual([]);
  });

  it('are never pickles', async () => {
    const error = await errorOf(resolveModelFiles('org/model', { files: ['pytorch_model.bin'] }));
    expect(error).toBeInstanceOf(CheckpointError);
    expect(error.received).toContain('pickle');
    expect(server.requests).toEqual([]);
  });
});

describe('the hub', () => {
  it('is asked once; the cache is laid out as Python lays it out', async () => {
    const found = await resolveModelFiles('org/model', both);
    const snapshot = join(model, 'snapshots', server.commit);
    expect(found).toEqual({
      'config.json': join(snapshot, 'config.json'),
      'model.safetensors': join(snapshot, 'model.safetensors'),
    });
    expect((await readFile(found['model.safetensors']!)).equals(large)).toBe(true);
    expect(await readlink(found['model.safetensors']!)).toBe(`../../blobs/${sha256(large)}`);
    const config = server.files.get('config.json')!.content;
    expect(await readlink(found['config.json']!)).toBe(`../../blobs/${gitHash(config)}`);
    expect(await readFile(join(model, 'refs/main'), 'utf8')).toBe(server.commit);
    expect(await readdir(join(model, '.no_exist', server.commit))).toEqual(['vocab.txt']);
    expect((await blobs()).sort()).toEqual([gitHash(config), sha256(large)].sort());

    await resolveModelFiles('org/model', both);
    expect(server.downloads).toHaveLength(2);
    const asked = server.requests.length;
    await resolveModelFiles('org/model', { ...both, revision: server.commit });
    expect(server.requests).toHaveLength(asked);
  });

  it('gives another commit when the branch moves, and keeps the pinned one', async () => {
    const first = server.commit;
    await resolveModelFiles('org/model', both);
    server.commit = 'b'.repeat(40);
    server.add('config.json', '{"vocab_size": 8}');
    const second = await resolveModelFiles('org/model', both);
    expect(await readFile(second['config.json']!, 'utf8')).toContain('8');
    expect(server.downloads).toHaveLength(3); // the weights are the same blob
    const pinned = await resolveModelFiles('org/model', { ...both, revision: first });
    expect(await readFile(pinned['config.json']!, 'utf8')).toContain('7');
  });

  it('takes branches with a slash', async () => {
    await resolveModelFiles('org/model', { files: ['config.json'], revision: 'refs/pr/1' });
    expect(await readFile(join(model, 'refs/refs/pr/1'), 'utf8')).toBe(server.commit);
  });

  it('tells of progress', async () => {
    const seen: DownloadProgress[] = [];
    await resolveModelFiles('org/model', { ...weights, onProgress: (progress) => seen.push(progress) });
    expect(seen.at(-1)).toEqual({
      file: 'model.safetensors',
      loaded: large.length,
      total: large.length,
      held: 0,
    });
    const loaded = seen.map((progress) => progress.loaded);
    expect(loaded).toEqual([...loaded].sort((a, b) => a - b));
  });

  it('is sent the token, which a redirect to another host does not see', async () => {
    server.token = 'secret';
    vi.stubEnv('HF_TOKEN', 'secret');
    await resolveModelFiles('org/model', weights);
    await resolveModelFiles('org/model', { files: ['config.json'], token: 'secret' });
    await writeFile(join(home, 'token'), 'secret\n');
    vi.stubEnv('HF_TOKEN', undefined);
    await resolveModelFiles('org/model', { files: ['config.json'] });
    expect(server.stored.map(({ authorization }) => authorization)).toEqual([undefined]);
  });

  it('is not asked offline', async () => {
    vi.stubEnv('HF_HUB_OFFLINE', '1');
    const error = await errorOf(resolveModelFiles('org/model', both));
    expect(error).toBeInstanceOf(DownloadError);
    expect(server.requests).toEqual([]);
    vi.stubEnv('HF_HUB_OFFLINE', '0');
    const online = await resolveModelFiles('org/model', both);
    const asked = server.requests.length;
    expect(await resolveModelFiles('org/model', { ...both, localFilesOnly: true })).toEqual(online);
    expect(server.requests).toHaveLength(asked);
  });

  it('is spared where another cache is named', async () => {
    const cacheDir = join(home, 'elsewhere');
    const found = await resolveModelFiles('org/model', { files: ['config.json'], cacheDir });
    expect(found['config.json']).toContain(join(cacheDir, 'models--org--model'));
    vi.stubEnv('HF_HUB_CACHE', cacheDir);
    expect(await resolveModelFiles('org/model', { files: ['config.json'], localFilesOnly: true })).toEqual(
      found,
    );
  });

  it('is reached through the proxy of the environment', async () => {
    const paths: string[] = [];
    const proxy = createServer((request, response) => {
      paths.push(request.url!);
      response.writeHead(500).end();
    });
    // undici tunnels: it asks the proxy to CONNECT, which this one writes down and refuses.
    proxy.on('connect', (request, socket) => {
      paths.push(request.url!);
      socket.end('HTTP/1.1 502 no\r\n\r\n');
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    try {
      vi.resetModules();
      vi.stubEnv('HTTP_PROXY', `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`);
      vi.stubEnv('HF_ENDPOINT', 'http://hub.example');
      const fresh = await import('./resolve.js');
      await errorOf(fresh.resolveModelFiles('org/model', both));
      expect(paths.join()).toContain('hub.example');
    } finally {
      proxy.close();
    }
  });
});

describe('what goes wrong', () => {
  it.each([401, 403, 404, 429, 500])('HTTP %i of the API is an error with that status', async (status) => {
    server.apiStatus = status;
    const error = await errorOf(resolveModelFiles('org/model', both));
    expect(error).toBeInstanceOf(DownloadError);
    expect((error as DownloadError).status).toBe(status);
  });

  it.each([401, 404, 500])('HTTP %i for a file is an error with that status', async (status) => {
    server.fault = answerStatus(status);
    const error = await errorOf(resolveModelFiles('org/model', weights));
    expect((error as DownloadError).status).toBe(status);
    expect(server.stored).toHaveLength(status === 500 ? 3 : 1);
    expect(await blobs()).toEqual([]);
    server.fault = undefined;
    await resolveModelFiles('org/model', weights);
  });

  it('a private model without a token says what to set', async () => {
    server.token = 'secret';
    const error = await errorOf(resolveModelFiles('org/model', both));
    expect((error as DownloadError).status).toBe(401);
    expect(error.remedy).toContain('HF_TOKEN');
  });

  it('unknown revisions, models and files are 404', async () => {
    for (const [id, revision, file] of [
      ['org/model', 'nope', 'config.json'],
      ['org/other', 'main', 'config.json'],
      ['org/model', 'main', 'nope.json'],
    ] as const) {
      const error = await errorOf(resolveModelFiles(id, { files: [file], revision }));
      expect((error as DownloadError).status).toBe(404);
    }
  });

  it('a server that is down leaves the cache to use, else an error that says so', async () => {
    const online = await resolveModelFiles('org/model', both);
    server.apiStatus = 503;
    expect(await resolveModelFiles('org/model', both)).toEqual(online);
    await server.stop();
    expect(await resolveModelFiles('org/model', both)).toEqual(online);
    const error = await errorOf(resolveModelFiles('org/other', both));
    expect(error).toBeInstanceOf(DownloadError);
    expect(error.received).toContain('no connection');
    server = await HubServer.start();
  });

  it("an answer that is not the hub's is a typed error", async () => {
    for (const body of ['<html>', 'null', '{}', '[]', '{"sha": "../../etc"}']) {
      const other = createServer((_request, response) => response.end(body));
      await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
      vi.stubEnv('HF_ENDPOINT', `http://127.0.0.1:${(other.address() as AddressInfo).port}`);
      expect(await errorOf(resolveModelFiles('org/model', both))).toBeInstanceOf(DownloadError);
      other.closeAllConnections();
      other.close();
    }
  });

  it('a pickle on the hub is named as such', async () => {
    server.files.delete('model.safetensors');
    server.add('pytorch_model.bin', 'x');
    const error = await errorOf(openWeights('org/model'));
    expect(error).toBeInstanceOf(CheckpointError);
    expect(error.received).toContain('pickle');
    expect(error.remedy).toContain('save_pretrained');
  });
});

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
    expect(await blobs()).toEqual([`${sha256(large)}.weft.incomplete`]);
    expect(existsSync(join(model, 'snapshots'))).toBe(false);
    expect(existsSync(join(model, 'refs'))).toBe(false);

    server.fault = undefined;
    const before = server.stored.length;
    const { 'model.safetensors': path } = await resolveModelFiles('org/model', weights);
    expect((await readFile(path!)).equals(large)).toBe(true);
    expect(server.stored).toHaveLength(before + 1);
    expect(server.stored.at(-1)!.range).toMatch(/^bytes=[1-9]\d*-$/);
    expect(await blobs()).toEqual([sha256(large)]);
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
    expect(await blobs()).toEqual([sha256(large)]);
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
    await vi.waitFor(async () => expect(await blobs()).toEqual([`${sha256(large)}.weft.incomplete`]));
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
    expect(await blobs()).toEqual([]);
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
    expect(await blobs()).toEqual([]);
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
    expect(await blobs()).toEqual([]);
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
    expect(await blobs()).toEqual([sha256(large)]);
    expect((await lstat(found[0]!['model.safetensors']!)).isSymbolicLink()).toBe(true);
  });
});

describe('weights from the hub', () => {
  it('come in shards too', async () => {
    const tensor = { dtype: 'F32', shape: [2], data: new Float32Array([1, 2]) } as const;
    const names = ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors'];
    server.files.clear();
    for (const [i, name] of names.entries()) {
      await writeSafetensors(join(home, name), { [`t${i}`]: tensor });
      server.add(name, await readFile(join(home, name)), true);
    }
    const index = { metadata: {}, weight_map: { t0: names[0], t1: names[1] } };
    server.add('model.safetensors.index.json', JSON.stringify(index));
    using opened = await openWeights('org/model');
    expect(opened.names()).toEqual(['t0', 't1']);
    expect([...opened.readFloat32('t1')]).toEqual([1, 2]);
  });
});
