import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { csv, json, reviews, run, scratch, smallBert, smallClassifier, smallT5 } from './support.js';

const { path, write } = scratch();
let bert: string;
beforeAll(async () => {
  bert = await smallBert(path('bert'));
  write('reviews.csv', csv(reviews));
});

interface Result {
  steps: number;
  trainLoss: number;
  metrics: Record<string, number>;
  labels: string[];
}

const quick = ['--learning-rate', '0.01', '--disable-progress', '--json'];
const finetune = (out: string, ...args: string[]): string[] => [
  'finetune',
  '-m',
  bert,
  '--output-dir',
  path(out),
  ...quick,
  ...args,
];

describe('weft finetune', () => {
  it('learns classes, draws the run, saves model and tokenizer', async () => {
    const ran = await run(...finetune('classes', '--train', path('reviews.csv'), '--num-train-epochs', '4'));
    const result = json<Result>(ran);
    expect(ran.stderr).toMatch(/86 examples to learn from, 10 to judge on/);
    expect(result.labels).toEqual(['bad', 'good']);
    expect(result.metrics.eval_accuracy).toBe(1);
    const files = readdirSync(path('classes'));
    for (const name of [
      'model.safetensors',
      'tokenizer.json',
      'loss.svg',
      'learning-rate.svg',
      'accuracy.svg',
    ])
      expect(files).toContain(name);
    const config = JSON.parse(readFileSync(path('classes/config.json'), 'utf8')) as Record<string, unknown>;
    expect(config).toMatchObject({
      architectures: ['BertForSequenceClassification'],
      id2label: { 0: 'bad', 1: 'good' },
      problem_type: 'single_label_classification',
    });
    const checkpoint = files.find((name) => name.startsWith('checkpoint-'))!;
    expect(existsSync(path(`classes/${checkpoint}/tokenizer.json`))).toBe(true);
  });

  it('stops early, and keeps the best', async () => {
    const args = [
      '--train',
      path('reviews.csv'),
      '--num-train-epochs',
      '40',
      '--early-stopping-patience',
      '2',
    ];
    const { steps, metrics } = json<Result>(await run(...finetune('early', ...args)));
    expect(steps).toBeLessThan(40 * 6);
    expect(metrics.eval_accuracy).toBe(1);
  });
});
