import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HubServer } from '../../../packages/checkpoint/test/hub-server.js';
import { run as inProcess } from './support.js';
import { fixture, type Result, weft } from './weft.js';

const tiny = fixture('gpt2/fixtures/tiny');

let server: HubServer;
let home: string;
beforeEach(async () => {
  server = await HubServer.start();
  server.add('config.json', readFileSync(join(tiny, 'config.json')));
  server.add('model.safetensors', readFileSync(join(tiny, 'model.safetensors')), true);
  server.add('pytorch_model.bin', 'a pickle', true);
  home = await mkdtemp(join(tmpdir(), 'weft-cli-hub-'));
});
afterEach(async () => {
  await server.stop();
  await rm(home, { recursive: true, force: true });
});

const online = (args: string[], env: Record<string, string> = {}, interruptAt?: RegExp): Promise<Result> =>
  weft(args, {
    env: { HF_ENDPOINT: server.url, HF_HOME: home, HF_HUB_OFFLINE: '', NO_PROXY: '127.0.0.1', ...env },
    ...(interruptAt ? { interruptAt } : {}),
  });

describe('weft download', () => {
  it('brings a model to the cache, where the other verbs find it offline', async () => {
    const { code, stdout, stderr } = await online(['download', 'org/model']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/org\/model at main\ncommit a{40}\nfile +size\n/);
    expect(stdout).toMatch(/2 files, .* of them .* now/);
    expect(stderr).toContain('left out: pytorch_model.bin');
    expect(stderr).toMatch(/^model\.safetensors: .*B of .*B$/m);
    const inspected = await weft(['inspect', 'org/model', '--json'], { env: { HF_HOME: home } });
    expect(JSON.parse(inspected.stdout)).toMatchObject({ config: { model_type: 'gpt2' } });
  });

  it('makes a copy with a lock file, and verifies it without a network', async () => {
    const copy = join(home, 'copy');
    const made = await online(['download', 'org/model', '-o', copy, '--revision', 'refs/pr/1', '--json']);
    const result = JSON.parse(made.stdout) as { commit: string; lockSha256: string; lock: object };
    expect(result).toMatchObject({ commit: server.commit, lock: { revision: 'refs/pr/1' } });
    expect(result.lockSha256).toMatch(/^[0-9a-f]{64}$/);

    const intact = await weft(['download', '--verify', copy]);
    expect(intact).toMatchObject({ code: 0 });
    expect(intact.stdout).toMatch(/^intact: 2 files/);

    const kept = join(home, 'kept.json');
    writeFileSync(kept, readFileSync(join(copy, 'weft.lock.json')));
    writeFileSync(join(copy, 'config.json'), '{}');
    const changed = await weft(['download', '--verify', copy, '--lock', kept]);
    expect(changed.code).toBe(1);
    expect(changed.stdout).toMatch(/^not intact: 1 of 2 files[\s\S]*changed +config\.json/);
    const json = JSON.parse((await weft(['download', '--verify', copy, '--json'])).stdout) as object;
    expect(json).toMatchObject({ isIntact: false, commit: server.commit });
  });

  it('takes the token from the environment and from the command line', async () => {
    server.token = 'secret';
    const refused = await online(['download', 'org/model']);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/HTTP 401[\s\S]*HF_TOKEN/);
    expect((await online(['download', 'org/model'], { HF_TOKEN: 'secret' })).code).toBe(0);
    expect((await online(['download', 'org/model', '--token', 'secret'], { HF_TOKEN: 'no' })).code).toBe(0);
  });

  it('stops at Ctrl-C, says how to go on, and goes on', async () => {
    const copy = join(home, 'copy');
    let held = 0;
    server.fault = ({ path, range }, response, content) => {
      if (!path.startsWith('/storage/') || range) return false;
      held = content.length >> 1;
      response.writeHead(200, { 'Content-Length': content.length });
      response.write(content.subarray(0, held));
      return true; // and then silence
    };
    const stopped = await online(['download', 'org/model', '-o', copy], {}, /config\.json: /);
    expect(stopped.code).toBe(130);
    expect(stopped.stderr).toContain('to go on, run the same command');
    expect(existsSync(join(copy, 'weft.lock.json'))).toBe(false);
    const { code } = await online(['download', 'org/model', '-o', copy]);
    expect(code).toBe(0);
    expect(server.stored.at(-1)!.range).toBe(`bytes=${held}-`);
    expect((await weft(['download', '--verify', copy])).code).toBe(0);
  });

  it.each([
    [[]],
    [['org/model', '--verify', 'x']],
    [['org/model', '--lock', 'x']],
    [['--verify', 'x', '--all']],
  ])('says what is wrong with %j', async (args) => {
    const { code, stderr } = await inProcess('download', ...args);
    expect(code).toBe(2);
    expect(stderr).toMatch(/give a model to fetch, or --verify/);
  });
});

describe('weft convert', () => {
  it('writes half precision, in shards, and float32 again', async () => {
    const [half, full] = [join(home, 'half'), join(home, 'full')];
    const { code, stdout } = await weft([
      ...['convert', tiny, '-o', half, '--dtype', 'float16', '--max-shard-size', '20kB', '--json'],
    ]);
    expect(code).toBe(0);
    const result = JSON.parse(stdout) as { weights: string[]; bytes: { before: number; after: number } };
    expect(result.weights.at(-1)).toBe('model.safetensors.index.json');
    expect(result.weights.length).toBeGreaterThan(3);
    expect(result.bytes.before).toBe(2 * result.bytes.after);
    const inspected = JSON.parse((await weft(['inspect', half, '--json'])).stdout) as {
      tensors: { dtype: string }[];
    };
    expect(new Set(inspected.tensors.map(({ dtype }) => dtype))).toEqual(new Set(['F16']));
    const back = await weft(['convert', half, '-o', full, '--dtype', 'float32']);
    expect(back.stdout).toMatch(/28 tensors, 28 of them converted/);
    expect(existsSync(join(full, 'model.safetensors'))).toBe(true);
  });

  it('fetches a model of the hub first', async () => {
    const out = join(home, 'out');
    expect((await online(['convert', 'org/model', '-o', out, '--dtype', 'bfloat16'])).code).toBe(0);
    expect(existsSync(join(out, 'config.json'))).toBe(true);
  });

  it.each([
    [['--dtype', 'float8'], 2, /float32, float16, bfloat16/],
    [['--max-shard-size', 'much'], 2, /such as 500MB/],
  ])('says how %j is wrong', async (args, expected, message) => {
    const { code, stderr } = await inProcess('convert', tiny, '-o', join(home, 'x'), ...args);
    expect(code).toBe(expected);
    expect(stderr).toMatch(message);
  });
});
