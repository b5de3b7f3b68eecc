import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import * as tf from '@tensorflow/tfjs';
import { setBackend } from '@weft/backend';
import { BertForSequenceClassification } from '@weft/bert';
import { AutoTokenizer } from '@weft/tokenizer';
import { dataCollatorWithPadding, type TokenizedExample, Trainer } from '@weft/trainer';
import { beforeAll, expect, it } from 'vitest';
import { loadPredictor } from '../src/inference/load.js';
import type { TextClassifier } from '../src/inference/text-classifier.js';
import { reviews, scratch, smallClassifier } from './support.js';

const { path } = scratch();
let collectGarbage: () => void;
beforeAll(async () => {
  setFlagsFromString('--expose-gc');
  collectGarbage = runInNewContext('gc') as () => void;
  await setBackend();
  await smallClassifier(path('model'));
});

interface Memory {
  tensors: number;
  bytes: number;
  resident: number;
}

function memory(): Memory {
  collectGarbage();
  const { numTensors, numBytes } = tf.memory();
  return { tensors: numTensors, bytes: numBytes, resident: process.memoryUsage().rss };
}

/** What the system keeps of freed memory differs from run to run: this bounds a leak, not the noise. */
const tolerated = 40e6;

function expectFlat(before: Memory, after: Memory): void {
  expect([after.tensors, after.bytes]).toEqual([before.tensors, before.bytes]);
  expect(after.resident - before.resident).toBeLessThan(tolerated);
}

it('200 training steps leave memory where it was', async () => {
  using model = await BertForSequenceClassification.fromPretrained(path('model'));
  const tokenizer = await AutoTokenizer.fromPretrained(path('model'));
  const trainDataset: TokenizedExample[] = reviews.map(({ text, label }) => ({
    inputIds: tokenizer.encode(text).inputIds,
    labels: label === 'good' ? 1 : 0,
  }));
  const train = async (maxSteps: number): Promise<void> => {
    await new Trainer<TokenizedExample>({
      model,
      args: {
        outputDir: path('out'),
        maxSteps,
        saveStrategy: 'no',
        evalStrategy: 'steps',
        evalSteps: 50,
        disableProgress: true,
      },
      trainDataset,
      evalDataset: trainDataset,
      dataCollator: dataCollatorWithPadding({ tokenizer }),
      computeMetrics: ({ labels }) => ({ count: labels.length }),
    }).train();
  };
  await train(40);
  const before = memory();
  await train(200);
  expectFlat(before, memory());
}, 180_000);

it('1,000 predictions leave memory where it was', async () => {
  const flags = { batchSize: 8, labelSeparator: '|', sourcePrefix: '', maxTargetLength: 16, docStride: 16 };
  const { predictor } = await loadPredictor(path('model'), flags, () => {});
  const predict = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i += 100) {
      const texts = Array.from({ length: 100 }, (_, k) => ({
        text: `${reviews[(i + k) % reviews.length]!.text} ${i + k}`,
      }));
      expect(await (predictor as TextClassifier).predict(texts)).toHaveLength(100);
    }
  };
  await predict(200);
  const before = memory();
  await predict(1000);
  expectFlat(before, memory());
  predictor.dispose();
}, 180_000);
