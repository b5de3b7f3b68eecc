import { execFileSync, spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CheckpointError } from '@weft/errors';
import { seededRandom } from '@weft/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeFileAtomic, writeJsonAtomic } from './atomic.js';
import { openWeights } from './open-weights.js';
import { SafetensorsFile } from './safetensors-file.js';
import { writeSafetensors } from './write-safetensors.js';

const home = fileURLToPath(new URL('..', import.meta.url));
const child = join(home, 'test/child.mjs');
const folder = mkdtempSync(join(tmpdir(), 'weft-atomic-'));
afterAll(() => rmSync(folder, { recursive: true }));

// Children run what is built: make sure that it is what is here.
beforeAll(() => {
  const typescript = dirname(createRequire(import.meta.url).resolve('typescript/package.json'));
  execFileSync(process.execPath, [join(typescript, 'bin/tsc'), '-b'], { cwd: home, stdio: 'inherit' });
});

/** Starts a child, waits for its first whole round, and kills it after so many ms more. */
async function runAndKill(task: string, path: string, wait: number): Promise<number> {
  const writer = spawn(process.execPath, [child, task, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  const begun = new Promise<void>((resolve, reject) => {
    writer.stdout.on('data', (text: Buffer) => {
      output += text.toString();
      resolve();
    });
    writer.on('error', reject);
  });
  await begun;
  await new Promise((resolve) => setTimeout(resolve, wait));
  const gone = new Promise((resolve) => writer.on('close', resolve));
  writer.kill('SIGKILL');
  await gone;
  return Number(output.trim().split('\n').at(-1));
}

/** The one value that all tensors are full of; more than one is half of each of two files. */
function fillOf(read: (name: string) => Float32Array): number {
  const values = new Set(['a', 'b', 'c'].flatMap((name) => [...new Set(read(name))]));
  expect(values.size).toBe(1);
  return [...values][0]!;
}

describe('writeFileAtomic', () => {
  it('makes folders, replaces, and leaves nothing else', async () => {
    const path = join(folder, 'a/b/file.json');
    await writeJsonAtomic(path, { one: 1 });
    await writeJsonAtomic(path, { two: 2 });
    expect(readFileSync(path, 'utf8')).toBe('{\n  "two": 2\n}\n');
    expect(readdirSync(join(folder, 'a/b'))).toEqual(['file.json']);
  });

  it('keeps the old content when the writing fails', async () => {
    const path = join(folder, 'kept/file.txt');
    await writeFileAtomic(path, 'old');
    const failing = writeFileAtomic(path, async (file) => {
      await file.write('new, but');
      throw new Error('interrupted');
    });
    await expect(failing).rejects.toThrow('interrupted');
    expect(readFileSync(path, 'utf8')).toBe('old');
    expect(readdirSync(join(folder, 'kept'))).toEqual(['file.txt']);
  });

  it('says what the system refuses', async () => {
    mkdirSync(join(folder, 'is-a-folder'));
    writeFileSync(join(folder, 'is-a-file'), '');
    for (const path of ['is-a-folder', 'is-a-file/below']) {
      await expect(writeFileAtomic(join(folder, path), 'x')).rejects.toBeInstanceOf(CheckpointError);
    }
    expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  it('of many at once leaves one of them, whole', async () => {
    const path = join(folder, 'many.txt');
    const contents = Array.from({ length: 20 }, (_, i) => String(i).repeat(10_000));
    await Promise.all(contents.map((content) => writeFileAtomic(path, content)));
    expect(contents).toContain(readFileSync(path, 'utf8'));
  });
});

describe.skipIf(process.platform === 'win32')('a process killed with kill -9', () => {
  const random = seededRandom(3);

  it('leaves the old file or the new one', async () => {
    const path = join(folder, 'killed.safetensors');
    for (let round = 0; round < 8; round++) {
      const last = await runAndKill('file', path, random() * 40);
      using file = new SafetensorsFile(path);
      const value = fillOf((name) => file.readFloat32(name));
      expect([last, last + 1]).toContain(value);
    }
  });

  it.each(['shards', 'both'])('%s: leaves the old weights, the new ones, or none that open', async (task) => {
    const path = join(folder, `killed-${task}`);
    let opened = 0;
    for (let round = 0; round < 8; round++) {
      const last = await runAndKill(task, path, random() * 40);
      const weights = await openWeights(path).catch((error: unknown) => error);
      if (weights instanceof CheckpointError) {
        expect(weights.received).toBe('neither');
        continue;
      }
      using held = weights as Awaited<ReturnType<typeof openWeights>>;
      expect([last, last + 1]).toContain(fillOf((name) => held.readFloat32(name)));
      opened++;
    }
    expect(opened).toBeGreaterThan(0);
  });
});

describe.skipIf(process.platform === 'win32')('no room', () => {
  it('is a typed error, and the old file stays', async () => {
    const path = join(folder, 'no-room.safetensors');
    await writeSafetensors(path, { a: { dtype: 'F32', shape: [1], data: Float32Array.of(1) } });
    const before = readFileSync(path);
    // The limit on the size of a file (in blocks of 512 bytes or 1 kB) stands for the end of the disk.
    const script = `ulimit -f 64 && exec "$0" "$@"`;
    const output = execFileSync('sh', ['-c', script, process.execPath, child, 'once', path], {
      encoding: 'utf8',
    });
    const error = JSON.parse(output) as Record<string, string>;
    expect(error).toMatchObject({ name: 'CheckpointError', operation: 'write file' });
    expect(error.received).toContain('EFBIG');
    expect(readFileSync(path).equals(before)).toBe(true);
    expect(existsSync(`${path}.small`)).toBe(true);
    expect(readdirSync(folder).filter((name) => name.endsWith('.tmp') && name.startsWith('no-room'))).toEqual(
      [],
    );
  });
});
