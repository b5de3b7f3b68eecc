import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs';
import { type ParameterSource, Scope } from '@weft/attention';
import { openWeights, saveWeights, type TensorsToWrite } from '@weft/checkpoint';
import { CheckpointError, ConfigError, GenerationError, InputError } from '@weft/errors';
import { readFixture } from '@weft/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { T5EncoderModel, T5ForConditionalGeneration, T5Model, t5ConfigSchema } from './index.js';

const fixtures = new URL('../fixtures/', import.meta.url);
const tied = fileURLToPath(new URL('v1_0', fixtures));
const untied = fileURLToPath(new URL('v1_1', fixtures));
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'weft-t5-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A copy of a checkpoint whose tensors and configuration are changed. */
async function changed(
  from: string,
  change: (tensors: TensorsToWrite) => void,
  config: Record<string, unknown> = {},
): Promise<string> {
  cpSync(from, folder, { recursive: true });
  const tensors: TensorsToWrite = {};
  {
    using weights = await openWeights(from);
    for (const name of weights.names()) {
      tensors[name] = { dtype: 'F32', shape: [...weights.info(name).shape], data: weights.readFloat32(name) };
    }
  }
  change(tensors);
  await saveWeights(folder, tensors);
  const path = join(folder, 'config.json');
  writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), ...config }));
  return folder;
}

describe('published models', () => {
  const { models } = readFixture(new URL('published.safetensors', fixtures)).meta as {
    models: Record<
      string,
      { config: Record<string, unknown>; parameters: number; encoderParameters: number }
    >;
  };

  it.each(Object.entries(models))('%s has its parameters', (_, { config, ...expected }) => {
    const counted = (build: (scope: Scope) => { dispose(): void }): number => {
      let total = 0;
      const source: ParameterSource = {
        take: (_key, shape) => {
          total += shape.reduce((product, size) => product * size, 1);
          return tf.scalar(0);
        },
      };
      build(new Scope(source)).dispose();
      return total;
    };
    const parsed = t5ConfigSchema.parse(config);
    expect(counted((scope) => new T5ForConditionalGeneration(parsed, scope))).toBe(expected.parameters);
    expect(counted((scope) => new T5EncoderModel(parsed, scope))).toBe(expected.encoderParameters);
    // What the schema does not name is kept.
    expect(parsed.n_positions).toBe(config.n_positions);
  });
});

describe('sharded checkpoints', () => {
  it('are written and read', async () => {
    using model = await T5ForConditionalGeneration.fromPretrained(untied);
    await model.savePretrained(folder, { maxShardSize: 20_000 });
    expect(readdirSync(folder)).toContain('model.safetensors.index.json');
    expect(readdirSync(folder).filter((name) => name.startsWith('model-')).length).toBeGreaterThan(3);
    using again = await T5ForConditionalGeneration.fromPretrained(folder);
    const inputs = { inputIds: [[5, 6, 7, 1]], labels: [[8, 9, 1]] };
    expect(again.forward(inputs).logits.dataSync()).toEqual(model.forward(inputs).logits.dataSync());
  });
});

describe('refuses', () => {
  const load = (source: string): Promise<unknown> =>
    T5ForConditionalGeneration.fromPretrained(source, { warn: () => undefined });
  const failure = async (run: Promise<unknown>): Promise<CheckpointError> => {
    const before = tf.memory().numTensors;
    const error = await run.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(CheckpointError);
    expect(tf.memory().numTensors).toBe(before);
    return error as CheckpointError;
  };

  it('a file without the shared table', async () => {
    const source = await changed(tied, (tensors) => delete tensors['shared.weight']);
    const { keys, message } = await failure(load(source));
    expect(keys).toEqual(['shared.weight']);
    expect(message).toMatch(/shared\.weight/);
  });

  it('a relative bias of another shape, or none', async () => {
    const key = 'encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight';
    const transposed = await changed(tied, (tensors) => {
      tensors[key]!.shape = [4, 8];
    });
    const misshapen = await failure(load(transposed));
    expect(misshapen.keys).toEqual([key]);
    expect(misshapen.message).toContain('[4, 8] in the file, [8, 4] in the model');
    const buckets = await changed(tied, () => undefined, { relative_attention_num_buckets: 16 });
    expect((await failure(load(buckets))).keys).toEqual([key, key.replace('encoder', 'decoder')]);
    const without = await changed(tied, (tensors) => delete tensors[key]);
    expect((await failure(load(without))).keys).toEqual([key]);
  });

  it('an untied model that says it is tied, and the other way', async () => {
    const mixed = await changed(untied, () => undefined, { tie_word_embeddings: true });
    const { keys, message } = await failure(load(mixed));
    expect(keys).toEqual(['lm_head.weight']);
    expect(message).toMatch(/set tie_word_embeddings to false/);
    const headless = await changed(tied, () => undefined, { tie_word_embeddings: false });
    const missing = await failure(load(headless));
    expect(missing.keys).toEqual(['lm_head.weight']);
    expect(missing.message).toMatch(/set tie_word_embeddings to true/);
  });

  it('a configuration that is none', async () => {
    const source = await changed(tied, () => undefined, { feed_forward_proj: 'gated-maxout' });
    await expect(load(source)).rejects.toThrow(ConfigError);
  });

  it('an empty source, and one longer than the caller wants', async () => {
    using model = await T5ForConditionalGeneration.fromPretrained(tied);
    expect(() => model.forward({ inputIds: [[]], labels: [[5]] })).toThrow(InputError);
    expect(() => model.forward({ inputIds: [[5]] })).toThrow(/decoderInputIds or labels/);
    await expect(model.generate([[5, 1], []])).rejects.toThrow(GenerationError);
    await expect(model.generate([[5, 6, 7, 1]], { maxSourceLength: 3 })).rejects.toThrow(
      /at most 3 tokens, received 4/,
    );
    const warnings: string[] = [];
    const cut = await model.generate([[5, 6, 7, 1]], {
      maxSourceLength: 3,
      longSource: 'cut',
      warn: (message) => warnings.push(message),
    });
    expect(cut).toEqual(await model.generate([[5, 6, 1]]));
    expect(warnings.join()).toMatch(/4 tokens, 1 more than 3/);
  });
});

describe('old files', () => {
  it('may hold copies of the shared table, a tied head, and a bias that nobody reads', async () => {
    const source = await changed(tied, (tensors) => {
      const shared = tensors['shared.weight']!;
      for (const key of ['encoder.embed_tokens.weight', 'decoder.embed_tokens.weight', 'lm_head.weight']) {
        tensors[key] = { ...shared };
      }
      tensors['decoder.block.0.layer.1.EncDecAttention.relative_attention_bias.weight'] = {
        dtype: 'F32',
        shape: [8, 4],
        data: new Float32Array(32),
      };
    });
    const warnings: string[] = [];
    const warn = (message: string): void => void warnings.push(message);
    for (const type of [T5ForConditionalGeneration, T5Model, T5EncoderModel]) {
      using model = await type.fromPretrained(source, { warn });
      expect(model.shared.weight.shape).toEqual([80, 32]);
    }
    expect(warnings).toEqual([]);
  });
});
