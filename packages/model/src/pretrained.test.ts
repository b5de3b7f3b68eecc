import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { openWeights, saveWeights, type TensorsToWrite } from '@weft/checkpoint';
import { CheckpointError, ConfigError, InputError } from '@weft/errors';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ToyForClassification, ToyForLM, ToyModel, toyConfigSchema, toys } from '../test/toy.ts';
import { generationOptionsFrom, loadPretrained } from './index.js';

const config = (changes: Record<string, unknown> = {}) => toyConfigSchema.parse(changes);
const readConfig = (folder: string) =>
  JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8')) as Record<string, unknown>;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'weft-model-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A checkpoint as another program would write it: every tensor is filled with its place, from 1. */
async function write(
  shapes: Record<string, number[]>,
  settings: Record<string, unknown> = {},
): Promise<void> {
  const tensors: TensorsToWrite = {};
  for (const [i, [key, shape]] of Object.entries(shapes).entries()) {
    const size = shape.reduce((product, each) => product * each, 1);
    tensors[key] = { dtype: 'F32', shape, data: new Float32Array(size).fill(i + 1) };
  }
  await saveWeights(folder, tensors);
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ model_type: 'toy', ...settings }));
}

const base = { 'wte.weight': [6, 4], 'LayerNorm.weight': [4], 'LayerNorm.bias': [4] };
const prefixed = Object.fromEntries(Object.entries(base).map(([key, shape]) => [`toy.${key}`, shape]));
const quiet = { warn: () => {} };

describe('loading', () => {
  it('takes the base from a checkpoint with a head and a head from one of the base', async () => {
    await write({ ...prefixed, 'classifier.weight': [2, 4] });
    const warnings: string[] = [];
    using model = await ToyModel.fromPretrained(folder, { warn: (message) => warnings.push(message) });
    expect(model.wte.weight.dataSync()[0]).toBe(1);
    expect(warnings).toEqual([`ToyModel: not used from ${folder}: classifier.weight`]);

    await write(base);
    using head = await loadPretrained(ToyForLM, folder, { warn: (message) => warnings.push(message) });
    expect(head.namedParameters().map(([key]) => key)).toEqual([
      'toy.wte.weight',
      'toy.LayerNorm.weight',
      'toy.LayerNorm.bias',
    ]);
    expect(head.training).toBe(false);
    expect(warnings).toHaveLength(1);
  });

  it('reads old spellings, ignores what is no parameter, and says nothing of tied copies', async () => {
    await write({
      'toy.wte.weight': [6, 4],
      'toy.LayerNorm.gamma': [4],
      'toy.LayerNorm.beta': [4],
      'toy.position_ids': [1, 8],
      'lm_head.weight': [6, 4],
    });
    const warnings: string[] = [];
    using model = await loadPretrained(ToyForLM, folder, { warn: (message) => warnings.push(message) });
    expect(model.toy.LayerNorm.bias.dataSync()[0]).toBe(3);
    expect(warnings).toEqual([]);
  });

  it('reads the last layer where the configuration unties it', async () => {
    await write({ ...prefixed, 'lm_head.weight': [6, 4] }, { tie_word_embeddings: false });
    using model = await loadPretrained(ToyForLM, folder);
    expect(model.lm_head.weight.dataSync()[0]).toBe(4);
    expect(model.numParameters()).toBe(24 + 4 + 4 + 24);
  });

  it('draws a new head, from the seed, and says so', async () => {
    await write(base);
    const warnings: string[] = [];
    const load = (seed: number) =>
      loadPretrained(ToyForClassification, folder, {
        seed,
        config: { num_labels: 3 },
        warn: (message) => warnings.push(message),
      });
    using first = await load(1);
    using again = await load(1);
    using other = await load(2);
    const values = (model: ToyForClassification) => [...model.classifier.weight.dataSync()];
    expect(first.classifier.weight.shape).toEqual([3, 4]);
    expect(values(again)).toEqual(values(first));
    expect(values(other)).not.toEqual(values(first));
    expect(warnings[0]).toMatch(/classifier\.weight, classifier\.bias not in .* train before/);
  });

  it('lists all keys that are missing or misshapen in one error, and frees what it had made', async () => {
    await write({ 'wte.weight': [5, 4], 'LayerNorm.weight': [4] });
    const before = tf.memory().numTensors;
    const error = await loadPretrained(ToyModel, folder, quiet).then(
      () => undefined,
      (caught: unknown) => caught,
    );
    expect(error).toBeInstanceOf(CheckpointError);
    expect((error as CheckpointError).keys).toEqual(['LayerNorm.bias', 'wte.weight']);
    expect((error as Error).message).toContain('[5, 4] in the file, [6, 4] in the model');
    expect(tf.memory().numTensors).toBe(before);
  });

  it('draws misshapen parameters where that is asked for', async () => {
    await write({ ...base, 'wte.weight': [5, 4] });
    const warnings: string[] = [];
    using model = await ToyModel.fromPretrained(folder, {
      ignoreMismatchedSizes: true,
      warn: (message) => warnings.push(message),
    });
    expect(model.wte.weight.shape).toEqual([6, 4]);
    expect(warnings[0]).toContain('wte.weight');
  });

  it('says what is wrong with a configuration, a folder without one, and one without weights', async () => {
    await write(base, { width: -1, vocab_size: 'many' });
    await expect(ToyModel.fromPretrained(folder)).rejects.toThrow(ConfigError);
    await expect(ToyModel.fromPretrained(folder)).rejects.toThrow(/vocab_size: .*; width: /);
    await expect(ToyModel.fromPretrained(join(folder, 'nowhere'))).rejects.toThrow(CheckpointError);
    rmSync(join(folder, 'model.safetensors'));
    writeFileSync(join(folder, 'config.json'), '{"model_type":"toy"}');
    await expect(ToyModel.fromPretrained(folder)).rejects.toThrow(CheckpointError);
  });
});

describe('saving', () => {
  it('comes back the same: tied parameters once, unknown settings kept', async () => {
    const settings = { mine: { nested: [1] }, torch_dtype: 'float16', architectures: ['Other'] };
    using model = new ToyForLM(config(settings), { seed: 3 });
    await model.savePretrained(folder);
    expect(readConfig(folder)).toMatchObject({
      model_type: 'toy',
      mine: { nested: [1] },
      architectures: ['ToyForLM'],
      dtype: 'float32',
      vocab_size: 6,
    });
    expect(readConfig(folder)).not.toHaveProperty('torch_dtype');
    {
      using weights = await openWeights(folder);
      expect([...weights.names()].sort()).toEqual(Object.keys(prefixed).sort());
      expect(weights.metadata).toEqual({ format: 'pt' });
    }
    using loaded = await loadPretrained(ToyForLM, folder);
    const values = (of: ToyForLM) => of.parameters().map((parameter) => [...parameter.dataSync()]);
    expect(values(loaded)).toEqual(values(model));
    expect(readdirSync(folder).sort()).toEqual(['config.json', 'model.safetensors']);
  });

  it('writes half types and shards, and keeps generation_config.json', async () => {
    await write(base);
    const generation = { do_sample: true, top_k: 7, transformers_version: '4.57.0' };
    writeFileSync(join(folder, 'generation_config.json'), JSON.stringify(generation));
    using model = await ToyModel.fromPretrained(folder);
    expect(model.generationDefaults).toMatchObject({ doSample: true, topK: 7 });
    const out = join(folder, 'out');
    await model.savePretrained(out, { dtype: 'BF16', maxShardSize: 32 });
    expect(JSON.parse(readFileSync(join(out, 'generation_config.json'), 'utf8'))).toEqual(generation);
    expect(readConfig(out).dtype).toBe('bfloat16');
    expect(readdirSync(out).filter((name) => name.endsWith('.safetensors')).length).toBeGreaterThan(1);
    using loaded = await ToyModel.fromPretrained(out);
    expect([...loaded.LayerNorm.bias.dataSync()]).toEqual([3, 3, 3, 3]);
  });

  it('leaves no tensor behind over loads and saves', async () => {
    await write(base);
    const before = tf.memory().numTensors;
    for (let i = 0; i < 5; i++) {
      using model = await ToyModel.fromPretrained(folder);
      model.forward([0, 5]).dispose();
      await model.savePretrained(folder);
    }
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('resizeTokenEmbeddings', () => {
  it('grows by the mean of the rows and shrinks, with the configuration, tied or not', () => {
    for (const tie_word_embeddings of [true, false]) {
      const before = tf.memory().numTensors;
      {
        using model = new ToyForLM(config({ tie_word_embeddings }), { seed: 1 });
        const old = [...model.toy.wte.weight.dataSync()];
        model.resizeTokenEmbeddings(8);
        expect(model.config.vocab_size).toBe(8);
        expect(model.lm_head.weight.shape).toEqual([8, 4]);
        expect(model.lm_head.weight === model.toy.wte.weight).toBe(tie_word_embeddings);
        const grown = [...model.toy.wte.weight.dataSync()];
        expect(grown.slice(0, 24)).toEqual(old);
        for (let column = 0; column < 4; column++) {
          const mean = [0, 1, 2, 3, 4, 5].reduce((sum, row) => sum + old[row * 4 + column]! / 6, 0);
          expect(grown[24 + column]).toBeCloseTo(mean, 5);
          expect(grown[28 + column]).toBeCloseTo(mean, 5);
        }
        model.resizeTokenEmbeddings(2);
        expect([...model.toy.wte.weight.dataSync()]).toEqual(old.slice(0, 8));
        expect(() => model.resizeTokenEmbeddings(0)).toThrow(InputError);
      }
      expect(tf.memory().numTensors).toBe(before);
    }
  });
});

describe('ModelRegistry', () => {
  it('loads the class that the configuration names, or the first of its type', async () => {
    using model = new ToyForClassification(config(), { seed: 1 });
    await model.savePretrained(folder);
    using named = await toys.fromPretrained(folder);
    expect(named).toBeInstanceOf(ToyForClassification);
    await write(base);
    using typed = await toys.fromPretrained(folder);
    expect(typed).toBeInstanceOf(ToyForLM);
  });

  it('names what it knows when it knows neither', async () => {
    await write(base, { model_type: 'llama', architectures: ['LlamaForCausalLM'] });
    await expect(toys.fromPretrained(folder)).rejects.toThrow(ConfigError);
    await expect(toys.fromPretrained(folder)).rejects.toThrow(
      /one of ToyForLM, ToyForClassification, received model type llama, architectures LlamaForCausalLM/,
    );
  });
});

describe('generationOptionsFrom', () => {
  it('takes what is set, in camelCase, and leaves null and unknown keys', () => {
    expect(generationOptionsFrom({ max_length: 20, top_p: null, eos_token_id: [1, 2], other: 3 })).toEqual({
      maxLength: 20,
      eosTokenId: [1, 2],
    });
  });
});
