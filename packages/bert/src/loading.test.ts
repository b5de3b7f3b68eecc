import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs';
import { readJson, saveWeights, type TensorsToWrite } from '@weft/checkpoint';
import { isWeftError } from '@weft/errors';
import { closeTo, expectClose, readFixture } from '@weft/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  AutoModel,
  AutoModelForMaskedLM,
  AutoModelForMultipleChoice,
  AutoModelForSequenceClassification,
  BertForMaskedLM,
  BertForPreTraining,
  BertForQuestionAnswering,
  BertForSequenceClassification,
  BertForTokenClassification,
  BertModel,
  bertConfigSchema,
  DistilBertForSequenceClassification,
  RobertaForMaskedLM,
  RobertaForSequenceClassification,
} from './index.js';

const root = new URL('../fixtures/', import.meta.url);
const base = (family: string): string => fileURLToPath(new URL(`${family}/base`, root));
const quiet = { warn: (): void => {} };
const inputIds = [
  [5, 9, 4, 30],
  [7, 8, 11, 0],
];
const attentionMask = [
  [1, 1, 1, 1],
  [1, 1, 1, 0],
];

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'weft-bert-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function failure(run: () => unknown): Promise<{ code: string; message: string }> {
  try {
    await run();
  } catch (error) {
    if (isWeftError(error)) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('loading', () => {
  it('reads old names and the prefix of a checkpoint with a head, and leaves out what is no parameter', async () => {
    using plain = await BertModel.fromPretrained(base('bert'));
    const tensors: TensorsToWrite = {
      'bert.embeddings.position_ids': { dtype: 'I32', shape: [1, 2], data: new Int32Array([0, 1]) },
    };
    for (const [key, parameter] of plain.namedParameters()) {
      const old = key
        .replace(/LayerNorm\.weight$/, 'LayerNorm.gamma')
        .replace(/LayerNorm\.bias$/, 'LayerNorm.beta');
      tensors[`bert.${old}`] = {
        dtype: 'F32',
        shape: parameter.shape,
        data: parameter.dataSync() as Float32Array,
      };
    }
    const legacy = join(folder, 'legacy');
    cpSync(base('bert'), legacy, { recursive: true });
    await saveWeights(legacy, tensors);
    const warnings: string[] = [];
    using again = await BertModel.fromPretrained(legacy, { warn: (message) => warnings.push(message) });
    expect(warnings).toEqual([]);
    const fixture = readFixture(new URL('bert/base.safetensors', root));
    const rows = (name: string): number[][] => {
      const { data, shape } = fixture.tensor(`in.${name}`);
      return Array.from({ length: shape[0]! }, (_, i) => [...data.slice(i * shape[1]!, (i + 1) * shape[1]!)]);
    };
    const out = again.forward({
      inputIds: rows('input_ids'),
      attentionMask: rows('attention_mask'),
      tokenTypeIds: rows('token_type_ids'),
    });
    expectClose(out.poolerOutput!.dataSync(), fixture.tensor('out.pooler_output').data, closeTo.models);
  });

  it('names the labels and keeps the names through saving', async () => {
    using model = await BertForSequenceClassification.fromPretrained(base('bert'), {
      ...quiet,
      id2label: { 0: 'bad', 1: 'fair', 2: 'good' },
      problemType: 'single_label_classification',
    });
    const saved = join(folder, 'named');
    await model.savePretrained(saved);
    expect(await readJson(join(saved, 'config.json'))).toMatchObject({
      architectures: ['BertForSequenceClassification'],
      id2label: { 0: 'bad', 1: 'fair', 2: 'good' },
      label2id: { bad: 0, fair: 1, good: 2 },
      problem_type: 'single_label_classification',
    });
    const warnings: string[] = [];
    using again = await AutoModelForSequenceClassification.fromPretrained(saved, {
      warn: (message) => warnings.push(message),
    });
    expect(warnings).toEqual([]);
    expect(again).toBeInstanceOf(BertForSequenceClassification);
    expect(again.forward({ inputIds }).logits.dataSync()).toEqual(
      model.forward({ inputIds }).logits.dataSync(),
    );

    const wrong = await failure(() => BertForSequenceClassification.fromPretrained(saved, { numLabels: 2 }));
    expect(wrong.code).toBe('WEFT_CHECKPOINT');
    expect(wrong.message).toMatch(/classifier\.weight is \[3, 32\].*ignoreMismatchedSizes/s);
    using two = await BertForSequenceClassification.fromPretrained(saved, {
      ...quiet,
      numLabels: 2,
      ignoreMismatchedSizes: true,
    });
    expect(two.config.id2label).toEqual({ 0: 'LABEL_0', 1: 'LABEL_1' });
    expect(two.forward({ inputIds }).logits.shape).toEqual([2, 2]);
  });

  it('warns of a new head and of what it does not use', async () => {
    const warnings: string[] = [];
    const warn = (message: string): number => warnings.push(message);
    using _ = await BertForQuestionAnswering.fromPretrained(base('bert'), { warn });
    expect(warnings.join('\n')).toMatch(/qa_outputs\.weight, qa_outputs\.bias not in .* drawn anew/);
    expect(warnings.join('\n')).toMatch(/not used from .*pooler\.dense/);
  });

  it('moves weights between heads of a family', async () => {
    using whole = new BertForPreTraining(
      bertConfigSchema.parse({ ...((await readJson(join(base('bert'), 'config.json'))) as object) }),
      { seed: 3 },
    );
    const saved = join(folder, 'pretraining');
    await whole.savePretrained(saved);
    using words = await BertForMaskedLM.fromPretrained(saved, quiet);
    expect(words.forward({ inputIds }).logits.dataSync()).toEqual(
      whole.forward({ inputIds }).predictionLogits!.dataSync(),
    );
  });

  it('keeps a last layer of its own where word embeddings are not tied', async () => {
    using model = await RobertaForMaskedLM.fromPretrained(base('roberta'), {
      ...quiet,
      config: { tie_word_embeddings: false },
    });
    expect(model.lm_head.decoder!.weight.shape).toEqual([48, 32]);
    const saved = join(folder, 'untied');
    await model.savePretrained(saved);
    using again = await RobertaForMaskedLM.fromPretrained(saved);
    expect(again.forward({ inputIds }).logits.dataSync()).toEqual(
      model.forward({ inputIds }).logits.dataSync(),
    );
  });

  it('takes another number of words', async () => {
    using model = await AutoModelForMaskedLM.fromPretrained(base('distilbert'), quiet);
    model.resizeTokenEmbeddings(52);
    const out = model.forward({ inputIds: [[51, 3]], labels: [[50, -100]] });
    expect(out.logits.shape).toEqual([1, 2, 52]);
    expect(model.config.vocab_size).toBe(52);
    tf.dispose({ ...out });
  });

  it('chooses the class by architecture, else by model type', async () => {
    using distil = await AutoModelForSequenceClassification.fromPretrained(base('distilbert'), quiet);
    expect(distil).toBeInstanceOf(DistilBertForSequenceClassification);
    using roberta = await AutoModelForSequenceClassification.fromPretrained(base('roberta'), {
      ...quiet,
      numLabels: 5,
    });
    expect(roberta).toBeInstanceOf(RobertaForSequenceClassification);
    expect(roberta.forward({ inputIds }).logits.shape).toEqual([2, 5]);
    using plain = await AutoModel.fromPretrained(base('bert'));
    expect(plain).toBeInstanceOf(BertModel);
    using masked = await AutoModelForMaskedLM.fromPretrained(base('bert'), quiet);
    expect(masked).toBeInstanceOf(BertForMaskedLM);
    const unknown = await failure(() => AutoModelForMultipleChoice.fromPretrained(base('distilbert')));
    expect(unknown.code).toBe('WEFT_CONFIG');
  });
});

describe('bad input', () => {
  const config = (overrides: object = {}): ReturnType<typeof bertConfigSchema.parse> =>
    bertConfigSchema.parse({
      vocab_size: 48,
      hidden_size: 32,
      num_hidden_layers: 1,
      num_attention_heads: 4,
      intermediate_size: 40,
      max_position_embeddings: 8,
      ...overrides,
    });

  it.each<[string, object, RegExp]>([
    ['ragged rows', { inputIds: [[1, 2], [3]] }, /rows of one length, 2.*1 numbers in row 1/s],
    ['no rows', { inputIds: [] }, /at least one row/],
    ['a text too long', { inputIds: [[1, 2, 3, 4, 5, 6, 7, 8, 9]] }, /at most 8 tokens.*truncation: true/s],
    ['an id out of range', { inputIds: [[1, 48]] }, /0 to 47.*48 at position 1/s],
    ['a mask of another size', { inputIds: [[1, 2]], attentionMask: [[1, 1, 1]] }, /keyPaddingMask/],
    ['a label out of range', { inputIds: [[1, 2]], labels: [3] }, /labels from 0 to 2/],
    [
      'too few labels',
      {
        inputIds: [
          [1, 2],
          [3, 4],
        ],
        labels: [1],
      },
      /2 labels, one a row/,
    ],
    ['a short row of a multi-label table', { inputIds: [[1, 2]], labels: [[1, 0]] }, /3 labels, 3 a row/],
  ])('%s is a typed error', async (_, inputs, message) => {
    using model = new BertForSequenceClassification(config({ num_labels: 3 }), { seed: 1 });
    const before = tf.memory().numTensors;
    const error = await failure(() => model.forward(inputs as { inputIds: number[][] }));
    expect(error.message).toMatch(message);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('refuses what is not built, by the configuration', async () => {
    const load = (overrides: object): Promise<unknown> =>
      BertModel.fromPretrained(base('bert'), { config: overrides as Record<string, unknown> });
    for (const overrides of [
      { position_embedding_type: 'relative_key' },
      { hidden_act: 'mystery' },
      { num_attention_heads: 5 },
      { is_decoder: true },
    ]) {
      expect((await failure(() => load(overrides))).code).toBe('WEFT_CONFIG');
    }
  });

  it('a masked language model without a masked token has no loss to speak of: NaN, as in Python', () => {
    using model = new BertForMaskedLM(config(), { seed: 1 });
    const labels = [[-100, -100]];
    for (const outputLogits of [true, false]) {
      const { loss } = model.forward({ inputIds: [[1, 2]], labels, outputLogits });
      expect(loss!.dataSync()[0]).toBeNaN();
      loss!.dispose();
    }
  });
});

describe('training mode and memory', () => {
  it('drops out in training only, and repeats itself by the state', async () => {
    const { dropoutState } = await import('@weft/attention');
    using model = await BertForTokenClassification.fromPretrained(base('bert'), quiet);
    const run = (): ArrayLike<number> =>
      tf.tidy(() => model.forward({ inputIds, attentionMask }).logits.dataSync());
    const still = run();
    expect(run()).toEqual(still);
    model.train();
    const state = dropoutState.get();
    const first = run();
    expect(first).not.toEqual(still);
    dropoutState.set(state);
    expect(run()).toEqual(first);
    expect(run()).not.toEqual(first);
    model.eval();
    expect(run()).toEqual(still);
  });

  it('leaks no tensor over 100 steps and 100 predictions', async () => {
    using model = await BertForSequenceClassification.fromPretrained(base('bert'), quiet);
    const parameters = model.train().parameters();
    const step = (): void => {
      const { value, grads } = tf.variableGrads(
        () => model.forward({ inputIds, attentionMask, labels: [0, 1] }).loss!,
        parameters,
      );
      tf.dispose([value, grads]);
      const out = model.forward({
        inputIds,
        attentionMask,
        outputHiddenStates: true,
        outputAttentions: true,
      });
      tf.dispose({ ...out });
    };
    step();
    const before = tf.memory().numTensors;
    for (let i = 0; i < 100; i++) step();
    expect(tf.memory().numTensors).toBe(before);
  });
});
