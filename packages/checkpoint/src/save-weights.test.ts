import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CheckpointError } from '@weft/errors';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openWeights } from './open-weights.js';
import { saveWeights } from './save-weights.js';
import { type TensorsToWrite, writeSafetensors } from './write-safetensors.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'weft-weights-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const tensors: TensorsToWrite = Object.fromEntries(
  ['a', 'b', 'c', 'd'].map((name, i) => [
    name,
    { dtype: 'F32', shape: [2, 3], data: new Float32Array(6).fill(i) },
  ]),
);

describe('saveWeights and openWeights', () => {
  it('take one file where it is small enough', async () => {
    expect(await saveWeights(folder, tensors, { metadata: { format: 'pt', step: '7' } })).toEqual([
      'model.safetensors',
    ]);
    using weights = await openWeights(folder);
    expect(weights.metadata).toEqual({ format: 'pt', step: '7' });
    expect(weights.info('b')).toMatchObject({ dtype: 'F32', shape: [2, 3] });
    using same = await openWeights(join(folder, 'model.safetensors'));
    expect(same.names()).toEqual(weights.names());
  });

  it('take shards and an index, as Python has them, where it is not', async () => {
    const written = await saveWeights(folder, tensors, { maxShardSize: 50 });
    expect(readdirSync(folder).sort()).toEqual([...written].sort());
    expect(written[0]).toBe('model-00001-of-00002.safetensors');
    const index = JSON.parse(readFileSync(join(folder, 'model.safetensors.index.json'), 'utf8')) as object;
    expect(index).toEqual({
      metadata: { total_size: 96 },
      weight_map: { a: written[0], b: written[0], c: written[1], d: written[1] },
    });
    using weights = await openWeights(folder);
    const all = await weights.readAllFloat32();
    expect([...all.keys()].sort()).toEqual(['a', 'b', 'c', 'd']);
    for (const [i, name] of ['a', 'b', 'c', 'd'].entries()) {
      expect(weights.readFloat32(name)).toEqual(new Float32Array(6).fill(i));
      expect(all.get(name)).toEqual(new Float32Array(6).fill(i));
    }
    expect([...(await weights.readAllFloat32(['d'])).keys()]).toEqual(['d']);
  });

  it('take away what an earlier save left, and nothing else', async () => {
    writeFileSync(join(folder, 'config.json'), '{}');
    writeFileSync(join(folder, 'optimizer.safetensors'), '');
    const kept = ['config.json', 'optimizer.safetensors'];
    for (const maxShardSize of [24, 1000, 50, 24, 1000]) {
      const written = await saveWeights(folder, tensors, { maxShardSize });
      expect(readdirSync(folder).sort()).toEqual([...kept, ...written].sort());
    }
  });

  it('take away what a killed save left, but not what a living process writes', async () => {
    const dead = spawnSync(process.execPath, ['-e', '']).pid;
    const living = `model.safetensors.${process.ppid}.0badcafe.tmp`;
    for (const name of [`model.safetensors.${dead}.0badcafe.tmp`, living, `mine.${dead}.tmp`]) {
      writeFileSync(join(folder, name), '');
    }
    writeFileSync(
      join(folder, `model-00001-of-00002.safetensors.${dead}.0badcafe.tmp.${dead}.0badcafe.tmp`),
      '',
    );
    await saveWeights(folder, tensors);
    expect(readdirSync(folder).sort()).toEqual([`mine.${dead}.tmp`, 'model.safetensors', living].sort());
  });

  it('a tensor larger than a shard gets one of its own', async () => {
    expect(await saveWeights(folder, tensors, { maxShardSize: 1 })).toHaveLength(5);
    await expect(saveWeights(folder, tensors, { maxShardSize: 0 })).rejects.toBeInstanceOf(CheckpointError);
  });

  it('a failed save leaves the old weights', async () => {
    await saveWeights(folder, tensors, { maxShardSize: 50 });
    const bad = { ...tensors, d: { dtype: 'F32', shape: [7], data: new Float32Array(6) } } as const;
    await expect(saveWeights(folder, bad, { maxShardSize: 24 })).rejects.toBeInstanceOf(CheckpointError);
    expect(readdirSync(folder)).toHaveLength(3);
    using weights = await openWeights(folder);
    expect(weights.names()).toHaveLength(4);
  });
});

describe('weights that do not open', () => {
  it('an empty folder, one of pickles, no folder, no file', async () => {
    await expect(openWeights(folder)).rejects.toThrow('neither');
    writeFileSync(join(folder, 'pytorch_model.bin'), '');
    await expect(openWeights(folder)).rejects.toThrow('pickle');
    for (const path of [join(folder, 'none'), join(folder, 'none.safetensors')]) {
      await expect(openWeights(path)).rejects.toBeInstanceOf(CheckpointError);
    }
  });

  it.each([
    ['no JSON', '{'],
    ['null', 'null'],
    ['no map', '{}'],
    ['an empty map', '{"weight_map":{}}'],
    ['a way out of the folder', '{"weight_map":{"a":"../model-00001-of-00001.safetensors"}}'],
    ['a pickle', '{"weight_map":{"a":"pytorch_model-00001.bin"}}'],
    ['a shard that is not there', '{"weight_map":{"a":"model-00001-of-00001.safetensors"}}'],
  ])('an index of %s', async (_name, text) => {
    writeFileSync(join(folder, 'model.safetensors.index.json'), text);
    await expect(openWeights(folder)).rejects.toBeInstanceOf(CheckpointError);
  });

  it('shards without the tensors that the index says', async () => {
    const written = await saveWeights(folder, tensors, { maxShardSize: 50 });
    await writeSafetensors(join(folder, written[1]!), { d: tensors.d! });
    const error = await openWeights(folder).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(CheckpointError);
    expect((error as CheckpointError).keys).toEqual(['c']);
  });
});
