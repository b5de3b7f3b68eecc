import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import {
  AutoModelForMaskedLM,
  AutoModelForQuestionAnswering,
  AutoModelForSequenceClassification,
} from '@weft/bert';
import { openWeights } from '@weft/checkpoint';
import { GPT2LMHeadModel } from '@weft/gpt2';
import { T5ForConditionalGeneration } from '@weft/t5';
import { AutoTokenizer } from '@weft/tokenizer';
import { beforeAll, describe, expect, it } from 'vitest';
import { type MiniModelName, miniModel, miniModelFor, miniModels } from '../src/index.js';

const MB = 1e6;
const headings = ['Use', 'Data', 'Recipe', 'Metrics', 'Limits', 'Known biases', 'What was tried', 'Licence'];

interface Metrics {
  model: string;
  command: string;
  seed: number | null;
  seconds: number | null;
  metrics: { name: string; value: number }[];
}

interface Loaded {
  parameters(): readonly { size: number }[];
  dispose(): void;
}

const loaders: Readonly<Record<MiniModelName, (folder: string) => Promise<Loaded>>> = {
  'gpt2-mini': (folder) => GPT2LMHeadModel.fromPretrained(folder),
  'bert-mini': (folder) => AutoModelForMaskedLM.fromPretrained(folder),
  'bert-mini-sentiment': (folder) => AutoModelForSequenceClassification.fromPretrained(folder),
  'bert-mini-sentiment-3': (folder) => AutoModelForSequenceClassification.fromPretrained(folder),
  'bert-mini-qa': (folder) => AutoModelForQuestionAnswering.fromPretrained(folder),
  't5-mini-translation': (folder) => T5ForConditionalGeneration.fromPretrained(folder),
};

const names = Object.keys(loaders) as MiniModelName[];

beforeAll(() => tf.setBackend('cpu'));

it('are six, 40 MB at most together, 12 MB the translator', () => {
  const models = miniModels();
  expect(models.map(({ name }) => name)).toEqual(names);
  expect(models.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThanOrEqual(40 * MB);
  expect(miniModel('t5-mini-translation').bytes).toBeLessThanOrEqual(12 * MB);
});

it('are found by their tasks, by aliases and by language pairs', () => {
  const folder = (name: MiniModelName): string => miniModel(name).folder;
  expect(miniModelFor('sentiment-analysis')).toBe(folder('bert-mini-sentiment'));
  expect(miniModelFor('text-classification')).toBe(folder('bert-mini-sentiment'));
  expect(miniModelFor('feature-extraction')).toBe(folder('bert-mini'));
  for (const task of ['translation', 'translation_en_to_de', 'translation_en_to_fr']) {
    expect(miniModelFor(task)).toBe(folder('t5-mini-translation'));
  }
  for (const task of ['translation_en_to_es', 'summarization', 'toString', '']) {
    expect(miniModelFor(task)).toBeUndefined();
  }
});

it('are not found by other names', () => {
  expect(() => miniModel('gpt2-maxi')).toThrow(/one of gpt2-mini, bert-mini/);
  expect(() => miniModel('toString')).toThrow(expect.objectContaining({ code: 'WEFT_INPUT' }));
  expect(() => miniModelFor(undefined as unknown as string)).toThrow(
    expect.objectContaining({ code: 'WEFT_INPUT' }),
  );
});

describe.each(names)('%s', (name) => {
  const { folder, tasks, bytes } = miniModel(name);
  const read = (file: string): string => readFileSync(join(folder, file), 'utf8');

  it('holds what the hub expects of a model, and nothing else', () => {
    expect(readdirSync(folder).filter((file) => file !== 'generation_config.json')).toEqual(
      expect.arrayContaining(['README.md', 'config.json', 'metrics.json', 'model.safetensors']),
    );
    const allowed =
      /^(README\.md|(config|generation_config|metrics|tokenizer|tokenizer_config)\.json|model\.safetensors)$/;
    expect(readdirSync(folder).filter((file) => !allowed.test(file))).toEqual([]);
    expect(bytes).toBeGreaterThanOrEqual(statSync(join(folder, 'model.safetensors')).size);
    expect(tasks.length).toBeGreaterThan(0);
  });

  it('is in half precision and loads with its tokenizer', async () => {
    using weights = await openWeights(folder);
    const types = weights.names().map((each) => weights.info(each).dtype);
    expect(new Set(types)).toEqual(new Set(['F16']));
    const tokenizer = await AutoTokenizer.fromPretrained(folder);
    expect(tokenizer.decode(tokenizer.encode('the dog runs').inputIds, { skipSpecialTokens: true })).toMatch(
      /the dog runs/,
    );
    const model = await loaders[name](folder);
    expect(model.parameters().length).toBeGreaterThan(10);
    model.dispose();
  });

  it('has a card with every section', () => {
    const card = read('README.md');
    expect(card).toMatch(/^---\nlicense: apache-2\.0\nlanguage:\n(- [a-z]{2}\n)+/);
    expect(card).toMatch(/^pipeline_tag: [a-z-]+$/m);
    const sections = [...card.matchAll(/^## (.+)\n+([\s\S]*?)(?=\n## |$(?![\s\S]))/gm)];
    expect(sections.map(([, heading]) => heading)).toEqual(headings);
    for (const [, heading, body] of sections) expect(body!.trim(), heading).not.toBe('');
  });

  it('has a card whose numbers are those that were measured', () => {
    const { model, metrics, command, seed, seconds } = JSON.parse(read('metrics.json')) as Metrics;
    expect(model).toBe(name);
    expect(metrics.length).toBeGreaterThan(0);
    const card = read('README.md');
    expect(card).toContain(command);
    for (const [what, value] of Object.entries({ seed, seconds })) {
      if (value !== null) expect(card, what).toMatch(new RegExp(`\\| ${value}( s \\(.+\\))? \\|`));
    }
    const rows = card
      .split('| metric | value |\n| --- | --- |\n')[1]!
      .split('\n\n')[0]!
      .trim()
      .split('\n')
      .map((row) => row.split('|').map((cell) => cell.trim()));
    expect(rows.map(([, metric, value]) => ({ name: metric, value: Number(value) }))).toEqual(
      metrics.map((metric) => ({ name: metric.name, value: Number(metric.value.toPrecision(4)) })),
    );
  });
});

it('each folder of models is in the catalogue', () => {
  const root = join(miniModel('bert-mini').folder, '..');
  expect(readdirSync(root).sort()).toEqual([...names].sort());
});
