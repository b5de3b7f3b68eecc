import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BertForSequenceClassification } from '@weft/bert';
import { writeJsonAtomic } from '@weft/checkpoint';
import { AutoTokenizer } from '@weft/tokenizer';
import { accuracy, argMaxRows, dataCollatorWithPadding, Trainer } from '@weft/trainer';
import { dataFile, writeReport } from './files.js';
import { EffortCallback, millions, type RunOptions, trainOrResume } from './run.js';
import { SoftLabels } from './soft-labels.js';
import { readSentences, type Sentence } from './sst2.js';

export interface SentimentOptions extends RunOptions {
  /** Folder of the encoder to start from, bert-mini. */
  model: string;
  /** Folder of a classifier that the recipe `sst2` made. */
  teacher: string;
  epochs: number;
  learningRate: number;
}

const SEED = 1;

/**
 * bert-mini, fine-tuned on SST-2's phrases towards their labels and towards the logits of a larger classifier (as in
 * "Distilling task-specific knowledge from BERT", Tang et al. 2019).
 */
export async function sentiment(options: SentimentOptions): Promise<void> {
  const { model: source, teacher, out, epochs, learningRate } = options;
  const tokenizer = await AutoTokenizer.fromPretrained(source);
  const read = (split: string): Sentence[] => readSentences(tokenizer, dataFile(`sst2/phrases_${split}.tsv`));
  const [train, dev, test] = [read('train'), read('dev'), read('test')];
  const targets = await teacherLogits(teacher, join(out, 'teacher-logits.json'));

  const student = await BertForSequenceClassification.fromPretrained(source, {
    id2label: { 0: 'NEGATIVE', 1: 'POSITIVE' },
    seed: SEED,
  });
  using model = new SoftLabels(student);
  const effort = new EffortCallback(out);
  const pad = dataCollatorWithPadding({ tokenizer });
  const settings = {
    outputDir: out,
    perDeviceTrainBatchSize: 32,
    perDeviceEvalBatchSize: 64,
    groupByLength: true,
    seed: SEED,
  };
  const computeMetrics = ({ predictions, labels }: { predictions: unknown; labels: unknown }) => ({
    accuracy: accuracy(argMaxRows(predictions as Parameters<typeof argMaxRows>[0]), labels as number[]),
  });
  const trainer = new Trainer<Sentence & { softLabels?: number[] }>({
    model,
    args: {
      ...settings,
      loggingDir: out,
      numTrainEpochs: epochs,
      learningRate,
      warmupRatio: 0.06,
      weightDecay: 0.01,
      loggingSteps: 100,
      saveSteps: 500,
      saveTotalLimit: 1,
      evalStrategy: 'epoch',
    },
    trainDataset: train.map((sentence, i) => ({ ...sentence, softLabels: targets[i]! })),
    evalDataset: dev,
    dataCollator: (examples) => {
      const softLabels = examples.flatMap(({ softLabels }) => (softLabels ? [softLabels] : []));
      const plain = examples.map(({ softLabels: _, ...rest }) => rest);
      return { ...pad(plain), ...(softLabels.length > 0 ? { softLabels } : {}) };
    },
    computeMetrics,
    callbacks: [effort],
  });
  const steps = await trainOrResume(trainer, options);
  const time = effort.effort;
  const { metrics } = await trainer.predict(test);
  await student.savePretrained(out);
  await tokenizer.savePretrained(out);
  await writeReport(out, {
    recipe: 'sentiment',
    parameters: millions(student),
    vocabulary: tokenizer.vocabSize,
    ...{ seed: SEED, epochs, learningRate, steps },
    ...time,
    devAccuracy: trainer.state.logHistory.flatMap(({ eval_accuracy }) => eval_accuracy ?? []),
    metrics: { accuracy: metrics.test_accuracy },
  });
}

/** The larger classifier's logits of `phrases_train`, in its order; computed once a run. */
async function teacherLogits(folder: string, file: string): Promise<number[][]> {
  if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')) as number[][];
  const tokenizer = await AutoTokenizer.fromPretrained(folder);
  const sentences = readSentences(tokenizer, dataFile('sst2/phrases_train.tsv'));
  using model = await BertForSequenceClassification.fromPretrained(folder);
  // Sorted, so that little is padded.
  const order = sentences.map((_, i) => i).sort((a, b) => length(sentences[a]!) - length(sentences[b]!));
  const trainer = new Trainer<Sentence>({
    model,
    args: { outputDir: join(file, '..', 'teacher'), perDeviceEvalBatchSize: 64 },
    dataCollator: dataCollatorWithPadding({ tokenizer }),
  });
  const { predictions } = await trainer.predict(order.map((i) => sentences[i]!));
  const logits = new Array<number[]>(sentences.length);
  for (const [row, i] of order.entries()) logits[i] = Array.from((predictions as Float32Array[])[row]!);
  await writeJsonAtomic(file, logits);
  return logits;
}

const length = ({ inputIds }: Sentence): number => inputIds.length;
