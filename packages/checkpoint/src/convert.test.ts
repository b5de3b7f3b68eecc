import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CheckpointError, InputError } from '@weft/errors';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ConvertOptions, convertCheckpoint } from './convert.js';
import { openWeights } from './open-weights.js';
import { saveWeights } from './save-weights.js';

// tooling/reference/convert.py loaded these very files with transformers and compared them with torch's rounding.
const source = fileURLToPath(new URL('../fixtures/convert', import.meta.url));
const { cases } = JSON.parse(readFileSync(join(source, 'loaded.json'), 'utf8')) as {
  cases: Record<
    string,
    Pick<ConvertOptions, 'dtype' | 'maxShardSize'> & {
      from?: string;
      loaded: { dtype: string; files: Record<string, string>; tensors: Record<string, string> };
    }
  >;
};

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'weft-convert-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

describe('what Python loads', () => {
  it.each(Object.keys(cases))(
    '%s: the files that transformers loaded, with the bits of torch',
    async (name) => {
      const { loaded, from, ...options } = cases[name]!;
      const middle = join(folder, 'middle');
      if (from) await convertCheckpoint(source, { outputDir: middle, dtype: cases[from]!.dtype! });
      const outputDir = join(folder, 'out');
      const result = await convertCheckpoint(from ? middle : source, { ...options, outputDir });
      expect([...result.weights].sort()).toEqual(Object.keys(loaded.files).sort());
      for (const [file, hash] of Object.entries(loaded.files)) {
        expect(sha256(await readFile(join(outputDir, file))), file).toBe(hash);
      }
      using weights = await openWeights(outputDir);
      for (const [tensor, hash] of Object.entries(loaded.tensors)) {
        const { data } = weights.readRaw(tensor);
        expect(sha256(new Uint8Array(data.buffer, data.byteOffset, data.byteLength)), tensor).toBe(hash);
      }
      const config = JSON.parse(await readFile(join(outputDir, 'config.json'), 'utf8')) as object;
      expect(config).toMatchObject({ model_type: 'gpt2', dtype: loaded.dtype });
      expect(result.copied).toContain('generation_config.json');
    },
  );
});

describe('a conversion', () => {
  it('tells what it did, and of progress', async () => {
    const seen: number[] = [];
    const result = await convertCheckpoint(source, {
      outputDir: join(folder, 'out'),
      dtype: 'float16',
      onTensor: ({ loaded, total }) => seen.push(loaded / total),
    });
    expect(result.tensors).toBe(seen.length);
    expect(result.converted).toBe(result.tensors);
    expect(result.bytes.before).toBe(2 * result.bytes.after);
    expect(seen.at(-1)).toBe(1);
  });

  it('leaves whole numbers as they are', async () => {
    await saveWeights(folder, {
      ids: { dtype: 'I64', shape: [2], data: BigInt64Array.of(1n, 2n) },
      wide: { dtype: 'F64', shape: [1], data: Float64Array.of(0.1) },
    });
    const outputDir = join(folder, 'out');
    const { converted } = await convertCheckpoint(folder, { outputDir, dtype: 'float16' });
    expect(converted).toBe(1);
    using weights = await openWeights(outputDir);
    expect(weights.info('ids').dtype).toBe('I64');
    expect(weights.info('wide').dtype).toBe('F16');
  });

  it('refuses what float16 cannot hold, and leaves nothing half-written', async () => {
    const data = Float32Array.of(1, 70000, Number.POSITIVE_INFINITY);
    await saveWeights(folder, { big: { dtype: 'F32', shape: [3], data } });
    const outputDir = join(folder, 'out');
    const error = await convertCheckpoint(folder, { outputDir, dtype: 'float16' }).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(CheckpointError);
    expect(error).toMatchObject({ keys: ['big'], received: 'one of size 70000' });
    expect(await readdir(outputDir)).toEqual([]);
    await convertCheckpoint(folder, { outputDir, dtype: 'bfloat16' });
  });

  it('keeps tokenizers and cards, and leaves out pickles, training state and itself', async () => {
    await cp(source, folder, { recursive: true });
    await mkdir(join(folder, 'checkpoint-5'));
    for (const name of [
      'tokenizer.json',
      'README.md',
      'pytorch_model.bin',
      'checkpoint-5/config.json',
      'optimizer.pt',
    ]) {
      await writeFile(join(folder, name), '{}');
    }
    await writeFile(join(folder, 'weft.lock.json'), '{}');
    const outputDir = join(folder, 'half');
    const options = { outputDir, dtype: 'float16' } as const;
    await convertCheckpoint(folder, options);
    const { copied } = await convertCheckpoint(folder, options);
    expect(copied).toEqual([
      'README.md',
      'config.json',
      'generation_config.json',
      'loaded.json',
      'tokenizer.json',
    ]);
    expect(existsSync(join(outputDir, 'half'))).toBe(false);
  });

  it('does not write over its source, nor over a file', async () => {
    await expect(convertCheckpoint(source, { outputDir: source })).rejects.toThrow(InputError);
    await writeFile(join(folder, 'file'), '');
    await expect(convertCheckpoint(source, { outputDir: join(folder, 'file') })).rejects.toThrow(InputError);
    await expect(convertCheckpoint(folder, { outputDir: join(folder, 'x') })).rejects.toThrow(
      CheckpointError,
    );
  });
});
