import { mkdir, readdir, readFile, readlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { CheckpointError, DownloadError, InputError } from '@weft/errors';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { blobs, errorOf, large, startHub, stopHub } from '../test/hub-home.js';
import { answerStatus, gitHash, HubServer, sha256 } from '../test/hub-server.js';
import type { DownloadProgress } from './download.js';
import { openWeights } from './open-weights.js';
import { resolveModelFiles } from './resolve.js';
import { writeSafetensors } from './write-safetensors.js';

let server: HubServer;
let home: string;
let model: string;

beforeEach(async () => {
  ({ server, home } = await startHub());
  model = join(home, 'hub', 'models--org--model');
});
afterEach(() => stopHub({ server, home }));

const both = { files: ['config.json'], optionalFiles: ['model.safetensors', 'vocab.txt'] };
const weights = { files: ['model.safetensors'] };

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
    expect((await blobs(model)).sort()).toEqual([gitHash(config), sha256(large)].sort());

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
    expect(await blobs(model)).toEqual([]);
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
