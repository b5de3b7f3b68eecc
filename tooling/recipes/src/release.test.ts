import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setBackend } from '@weft/backend';
import { BertForSequenceClassification, bertConfigSchema } from '@weft/bert';
import { openWeights } from '@weft/checkpoint';
import { DataError, InputError } from '@weft/errors';
import { AutoTokenizer, trainWordPiece } from '@weft/tokenizer';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { release } from './release.js';
import { headings } from './release-card.js';
import { inWords, type Metrics, metricsOf, shownNumber } from './release-metrics.js';
import { releasedModels } from './release-models.js';

const folder = mkdtempSync(join(tmpdir(), 'weft-release-test-'));
const runs = join(folder, 'runs');
const to = join(folder, 'models');
const name = 'bert-mini-sentiment';
const report = {
  recipe: name,
  parameters: 0.02,
  seed: 7,
  learningRate: 3e-4,
  seconds: 4000,
  cpuSeconds: 7600,
  valLoss: [0.61234567, 0.5],
  metrics: { accuracy: 0.8234567, macroF1: 0.81 },
  tried: ['Twice the rate: 0.8 on the dev split.'],
};

beforeAll(async () => {
  await setBackend('cpu');
  vi.stubEnv('WEFT_RUNS', runs);
  const tokenizer = trainWordPiece(['a warm film', 'a dull film'], { vocabSize: 40 });
  const config = bertConfigSchema.parse({
    ...{ vocab_size: tokenizer.vocabSize, hidden_size: 8, num_hidden_layers: 1, num_attention_heads: 2 },
    ...{ intermediate_size: 16, max_position_embeddings: 16, id2label: { 0: 'NEGATIVE', 1: 'POSITIVE' } },
  });
  using model = new BertForSequenceClassification(config, { seed: 1 });
  const trained = join(runs, name, 'model');
  await model.savePretrained(trained);
  await tokenizer.savePretrained(trained);
  writeFileSync(join(trained, 'train.tsv'), 'text of a data set');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('waits for runs that have not ended, and refuses them by name', async () => {
  const said: string[] = [];
  expect(await release([], { to, say: (line) => said.push(line) })).toEqual([]);
  expect(said).toHaveLength(Object.keys(releasedModels).length);
  await expect(release([name], { to })).rejects.toThrow(DataError);
  await expect(release(['bert-maxi'], { to })).rejects.toThrow(InputError);
});

it('writes a finished model in half precision, with metrics and card, and nothing else', async () => {
  writeFileSync(join(runs, name, 'report.json'), JSON.stringify(report));
  expect(await release([name], { to })).toEqual([name]);
  const model = join(to, name);
  expect(readdirSync(model).sort()).toEqual([
    'README.md',
    'config.json',
    'metrics.json',
    'model.safetensors',
    'tokenizer.json',
    'tokenizer_config.json',
  ]);
  using weights = await openWeights(model);
  expect(new Set(weights.names().map((each) => weights.info(each).dtype))).toEqual(new Set(['F16']));
  expect((await AutoTokenizer.fromPretrained(model)).encode('a warm film').inputIds.length).toBe(5);
  using loaded = await BertForSequenceClassification.fromPretrained(model);
  expect(loaded.config.id2label).toEqual({ 0: 'NEGATIVE', 1: 'POSITIVE' });

  const metrics = JSON.parse(readFileSync(join(model, 'metrics.json'), 'utf8')) as Metrics;
  expect(metrics).toMatchObject({ model: name, seed: 7, seconds: 4000, settings: { 'learning rate': 3e-4 } });
  expect(metrics.metrics).toEqual([
    { name: "accuracy on SST-2 dev (GLUE's 872 sentences)", value: 0.8234567 },
    { name: 'macro F1', value: 0.81 },
  ]);
  const card = readFileSync(join(model, 'README.md'), 'utf8');
  for (const heading of headings) expect(card).toContain(`\n## ${heading}\n`);
  for (const line of [
    'license: apache-2.0',
    "GLUE's 872 sentences) | 0.8235 |",
    '| 1 | 0.6123 |',
    '4000 s (1 h 07 min)',
  ])
    expect(card).toContain(line);
  expect(card).toContain('Twice the rate');
});

it('replaces a model as a whole, and leaves the old one where the new one is not as it should be', async () => {
  const model = join(to, name);
  writeFileSync(join(model, 'left-over.json'), '{}');
  await release([name], { to });
  expect(existsSync(join(model, 'left-over.json'))).toBe(false);
  const file = join(runs, name, 'model/config.json');
  const config = readFileSync(file, 'utf8');
  writeFileSync(file, config.replace('POSITIVE', 'GOOD'));
  await expect(release([name], { to })).rejects.toThrow(/NEGATIVE, POSITIVE/);
  writeFileSync(file, config);
  expect(existsSync(join(model, 'model.safetensors'))).toBe(true);
  expect(readdirSync(to)).toEqual([name]);
});

it('reads reports of every form', () => {
  const { metrics, settings, curves } = metricsOf(
    't5-mini-translation',
    {
      recipe: 'translation',
      epochs: 3,
      valLoss: [2, 1],
      test: { de: { bleu: 33.456789 } },
      model: join(folder, 'bert-mini'),
      questions: { train: 12 },
      heldOut: ['a', 'b'],
    },
    releasedModels['t5-mini-translation'],
  );
  expect(metrics).toEqual([{ name: 'test_2016_flickr, English to German, BLEU', value: 33.456789 }]);
  expect(settings).toEqual({
    epochs: 3,
    'starts from': 'bert-mini',
    'questions, train': 12,
    'held out': 'a, b',
  });
  expect(curves).toEqual({ 'loss on val': [2, 1] });
  expect(shownNumber(33.456789)).toBe('33.46');
  expect(inWords('heldOutF1')).toBe('held out F1');
  expect(inWords('SST-2 dev')).toBe('SST-2 dev');
  expect(() => metricsOf('x', { recipe: 'x', epochs: 1 })).toThrow(DataError);
});

it('has words for every model', () => {
  for (const words of Object.values(releasedModels)) {
    expect(words.limits.length).toBeGreaterThan(1);
    expect(words.biases.length).toBeGreaterThan(0);
    expect(words.data.length).toBeGreaterThan(0);
  }
});
