import { existsSync, statSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CheckpointError, ConfigError, DownloadError, InputError } from '@weft/errors';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { errorOf, large, startHub, stopHub } from '../test/hub-home.js';
import { breakAfter, type HubServer, sha256 } from '../test/hub-server.js';
import { downloadModel, type ModelDownloadProgress } from './download-model.js';
import { lockFileName, verifyModel } from './lock.js';
import { openWeights } from './open-weights.js';
import { resolveModelFiles } from './resolve.js';

let server: HubServer;
let home: string;
let copy: string;

beforeEach(async () => {
  ({ server, home } = await startHub());
  server.add('README.md', '# A model');
  server.add('pytorch_model.bin', 'a pickle', true);
  server.add('model-00001-of-00001.safetensors', 'the same again', true);
  server.add('onnx/model.json', '{}');
  server.add('1_Pooling/config.json', '{"pooling": true}');
  server.add('.gitattributes', '*');
  copy = join(home, 'copy');
});
afterEach(() => stopHub({ server, home }));

const wanted = ['1_Pooling/config.json', 'README.md', 'config.json', 'model.safetensors'];

describe('a whole model, to the cache', () => {
  it('fetches what a model is read from, and nothing twice', async () => {
    const found = await downloadModel('org/model');
    expect(found.files.map(({ path }) => path).sort()).toEqual(wanted);
    expect(found.left).toContain('pytorch_model.bin');
    expect(found.left).toContain('onnx/model.json');
    expect(found.commit).toBe(server.commit);
    expect(found.fetched).toBeGreaterThan(0);
    const before = server.downloads.length;
    expect((await downloadModel('org/model')).fetched).toBe(0);
    expect(server.downloads).toHaveLength(before);
    vi.stubEnv('HF_HUB_OFFLINE', '1');
    const { 'model.safetensors': path } = await resolveModelFiles('org/model', {
      files: ['model.safetensors'],
    });
    expect(path).toBe(join(found.folder, 'model.safetensors'));
    expect(await errorOf(downloadModel('org/model'))).toBeInstanceOf(DownloadError);
  });

  it('fetches every file but pickles, where all are asked for', async () => {
    const { left } = await downloadModel('org/model', { all: true });
    expect(left).toEqual(['pytorch_model.bin']);
  });

  it('refuses a model whose weights are a pickle alone', async () => {
    server.files.delete('model.safetensors');
    server.files.delete('model-00001-of-00001.safetensors');
    const error = await errorOf(downloadModel('org/model'));
    expect(error).toBeInstanceOf(CheckpointError);
    expect(error.received).toContain('pickle');
    expect(server.downloads).toEqual([]);
  });

  it('never takes a name that leads out', async () => {
    server.add('a/../../outside.json', '{}');
    expect(await errorOf(downloadModel('org/model', { outputDir: copy }))).toBeInstanceOf(InputError);
    expect(existsSync(join(home, 'outside.json'))).toBe(false);
  });
});

describe('a copy with a lock file', () => {
  it('holds every file, and its lock says so', async () => {
    const { lock, folder } = await downloadModel('org/model', { outputDir: copy, revision: 'refs/pr/1' });
    expect(folder).toBe(copy);
    expect((await readdir(copy, { recursive: true })).sort()).toEqual(
      [...wanted, '1_Pooling', lockFileName].sort(),
    );
    expect(JSON.parse(await readFile(join(copy, lockFileName), 'utf8'))).toEqual(lock);
    expect(lock).toMatchObject({ id: 'org/model', revision: 'refs/pr/1', commit: server.commit });
    for (const path of wanted) {
      const { content } = server.files.get(path)!;
      expect(lock!.files[path]).toEqual({ size: content.length, sha256: sha256(content) });
    }
    expect(existsSync(join(home, 'hub'))).toBe(false);
    expect(await verifyModel(copy)).toMatchObject({ isIntact: true });
  });

  it('goes on from what broke off, and counts for the rate only what came now', async () => {
    let tries = 0;
    server.fault = (request, response, content) => {
      if (!request.path.startsWith('/storage/')) return false;
      return tries++ < 1 ? breakAfter(100_000)(request, response, content) : false;
    };
    const controller = new AbortController();
    const first = downloadModel('org/model', {
      outputDir: copy,
      signal: controller.signal,
      onProgress: ({ file, loaded }) => {
        if (file === 'model.safetensors' && loaded > 50_000) controller.abort();
      },
    });
    expect((await errorOf(first)).name).toBe('AbortError');
    expect(existsSync(join(copy, lockFileName))).toBe(false);
    expect(existsSync(join(copy, 'model.safetensors'))).toBe(false);

    const seen: ModelDownloadProgress[] = [];
    const done = await downloadModel('org/model', {
      outputDir: copy,
      onProgress: (progress) => seen.push(progress),
    });
    expect(server.stored.at(-1)!.range).toMatch(/^bytes=\d+-$/);
    const { size } = statSync(join(copy, 'model.safetensors'));
    expect(size).toBe(large.length);
    expect(done.fetched).toBeLessThan(large.length);
    const total = done.files.reduce((sum, file) => sum + file.size, 0);
    expect(seen.at(-1)).toMatchObject({ loaded: total, total, fetched: done.fetched });
    expect((await verifyModel(copy)).isIntact).toBe(true);
  });

  it('takes from the cache what is there, and mends what was changed', async () => {
    await downloadModel('org/model');
    const before = server.downloads.length;
    const { fetched } = await downloadModel('org/model', { outputDir: copy });
    expect(fetched).toBe(0);
    expect(server.downloads).toHaveLength(before);
    await writeFile(join(copy, 'config.json'), '{"vocab_size": 8}');
    await downloadModel('org/model', { outputDir: copy });
    expect(await readFile(join(copy, 'config.json'), 'utf8')).toContain('7');
  });

  it('follows the model: new bytes come, files that it has no more go', async () => {
    await downloadModel('org/model', { outputDir: copy });
    server.commit = 'b'.repeat(40);
    server.add('config.json', '{"vocab_size": 9}');
    server.files.delete('README.md');
    const { lock } = await downloadModel('org/model', { outputDir: copy });
    expect(lock!.commit).toBe(server.commit);
    expect(existsSync(join(copy, 'README.md'))).toBe(false);
    expect((await verifyModel(copy)).isIntact).toBe(true);
  });

  it('writes over nothing that is not a copy of the model', async () => {
    await mkdir(copy);
    await writeFile(join(copy, 'config.json'), 'mine');
    const error = await errorOf(downloadModel('org/model', { outputDir: copy }));
    expect(error).toBeInstanceOf(InputError);
    expect(error.received).toBe('another config.json there');
    expect(await readFile(join(copy, 'config.json'), 'utf8')).toBe('mine');
    await writeFile(join(home, 'file'), '');
    const atFile = await errorOf(downloadModel('org/model', { outputDir: join(home, 'file') }));
    expect(atFile.received).toBe('a file');
  });
});

describe('verification', () => {
  beforeEach(async () => {
    await downloadModel('org/model', { outputDir: copy });
  });

  it('finds each kind of difference', async () => {
    await rm(join(copy, 'README.md'));
    await writeFile(join(copy, 'config.json'), '{"vocab_size": 8}'); // as long as before
    await writeFile(join(copy, '1_Pooling', 'config.json'), '{}');
    await writeFile(join(copy, 'model.safetensors.index.json'), '{}');
    const { isIntact, files } = await verifyModel(copy);
    expect(isIntact).toBe(false);
    expect(Object.fromEntries(files.map(({ path, state }) => [path, state]))).toEqual({
      'README.md': 'missing',
      'config.json': 'changed',
      '1_Pooling/config.json': 'changed',
      'model.safetensors': 'ok',
      'model.safetensors.index.json': 'unlisted',
    });
    const reasons = files.map(({ reason }) => reason ?? '').join('\n');
    expect(reasons).toMatch(/sha256 [0-9a-f]{64} instead of/);
    expect(reasons).toMatch(/2 bytes instead of 17/);
  });

  it('takes a lock file from elsewhere, and tells of progress', async () => {
    const kept = join(home, 'kept.json');
    await writeFile(kept, await readFile(join(copy, lockFileName)));
    await writeFile(join(copy, lockFileName), '{}');
    const seen: number[] = [];
    const check = await verifyModel(copy, {
      lockFile: kept,
      onProgress: ({ loaded, total }) => seen.push(loaded / total),
    });
    expect(check.isIntact).toBe(true);
    expect(seen.at(-1)).toBe(1);
  });

  it('says when the lock is not there, damaged, or leads out of the folder', async () => {
    const lock = join(copy, lockFileName);
    const good = JSON.parse(await readFile(lock, 'utf8')) as { files: object };
    for (const bad of ['no json', '{}', JSON.stringify({ ...good, lockfileVersion: 2 })]) {
      await writeFile(lock, bad);
      expect(await errorOf(verifyModel(copy))).toBeInstanceOf(ConfigError);
    }
    const entry = { size: 1, sha256: 'a'.repeat(64) };
    await writeFile(lock, JSON.stringify({ ...good, files: { '../secret': entry } }));
    expect(await errorOf(verifyModel(copy))).toBeInstanceOf(InputError);
    await rm(lock);
    expect(await errorOf(verifyModel(copy))).toBeInstanceOf(CheckpointError);
  });
});

it('a copy is a model folder like any other', async () => {
  const header = '{"bias":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}';
  const padded = Buffer.concat([Buffer.alloc(8), Buffer.from(header.padEnd(64)), Buffer.alloc(4)]);
  padded.writeBigUInt64LE(64n);
  server.add('model.safetensors', padded, true);
  await downloadModel('org/model', { outputDir: copy });
  using opened = await openWeights(copy);
  expect(opened.names()).toEqual(['bias']);
});
