import { AutoModelForSequenceClassification } from '@weft/bert';
import { DataError } from '@weft/errors';
import { AutoTokenizer, type Tokenizer } from '@weft/tokenizer';
import { accuracy, argMaxRows, type ComputeMetrics, dataCollatorWithPadding, Trainer } from '@weft/trainer';
import { dataFile, lines, writeReport } from './files.js';
import { EffortCallback, millions, type RunOptions, trainOrResume } from './run.js';

export interface Sentence {
  inputIds: number[];
  attentionMask: number[];
  label: number;
}

export interface Sst2Options extends RunOptions {
  /** Folder or id of the encoder to start from. */
  model: string;
  epochs: number;
  learningRate: number;
  /** Steps after which training stops, for timing; the schedule is that of the whole. */
  steps?: number;
}

/** Rows `sentence<TAB>label` under a header, as ids. */
export function readSentences(tokenizer: Tokenizer, text: string): Sentence[] {
  const rows = lines(text)
    .slice(1)
    .map((line, index) => {
      const [sentence, label] = line.split('\t');
      if (sentence !== undefined && (label === '0' || label === '1'))
        return { sentence, label: Number(label) };
      throw new DataError({
        operation: 'read SST-2',
        expected: 'a sentence, a tab, 0 or 1',
        received: JSON.stringify(line.slice(0, 80)),
        remedy: `mend line ${index + 2}`,
      });
    });
  const sentences = rows.map(({ sentence }) => sentence);
  const { inputIds, attentionMask } = tokenizer.encodeBatch(sentences, { truncation: true, maxLength: 128 });
  return rows.map(({ label }, i) => ({ inputIds: inputIds[i]!, attentionMask: attentionMask[i]!, label }));
}

/** The accuracy of a classifier, for a trainer. */
export const accuracyOf: ComputeMetrics = ({ predictions, labels }) => ({
  accuracy: accuracy(argMaxRows(predictions), labels as number[]),
});

/**
 * Fine-tunes an encoder on SST-2's phrases with the settings of Hugging Face's example: batches of 32 grouped by
 * length, linear decay after 6 % of warm-up, weight decay 0.01. The checkpoint kept is the last; the accuracy on
 * `phrases_dev` after each epoch tells which settings are best, that on `phrases_test` is reported.
 */
export async function sst2(options: Sst2Options): Promise<void> {
  const { model: source, out, epochs, learningRate, steps } = options;
  const tokenizer = await AutoTokenizer.fromPretrained(source);
  const [train, dev, test] = ['train', 'dev', 'test'].map((split) =>
    readSentences(tokenizer, dataFile(`sst2/phrases_${split}.tsv`)),
  ) as [Sentence[], Sentence[], Sentence[]];
  using model = await AutoModelForSequenceClassification.fromPretrained(source, {
    id2label: { 0: 'NEGATIVE', 1: 'POSITIVE' },
    seed: 42,
  });
  const effort = new EffortCallback(out);
  const trainer = new Trainer<Sentence>({
    model,
    args: {
      outputDir: out,
      loggingDir: out,
      numTrainEpochs: epochs,
      perDeviceTrainBatchSize: 32,
      perDeviceEvalBatchSize: 64,
      learningRate,
      warmupRatio: 0.06,
      weightDecay: 0.01,
      groupByLength: true,
      loggingSteps: 100,
      saveSteps: 500,
      saveTotalLimit: 1,
      evalStrategy: 'epoch',
    },
    trainDataset: train,
    evalDataset: dev,
    dataCollator: dataCollatorWithPadding({ tokenizer }),
    computeMetrics: accuracyOf,
    callbacks: [effort, ...(steps === undefined ? [] : [stopAfter(steps)])],
  });
  const globalStep = await trainOrResume(trainer, options);
  const time = effort.effort;
  if (steps !== undefined) {
    await writeReport(out, { recipe: 'sst2', steps: globalStep, ...time });
    return;
  }
  const { metrics } = await trainer.predict(test);
  await model.savePretrained(out);
  await tokenizer.savePretrained(out);
  await writeReport(out, {
    recipe: 'sst2',
    source,
    parameters: millions(model),
    epochs,
    learningRate,
    steps: globalStep,
    ...time,
    devAccuracy: trainer.state.logHistory.flatMap(({ eval_accuracy }) => eval_accuracy ?? []),
    testAccuracy: metrics.test_accuracy,
  });
}

function stopAfter(steps: number) {
  return {
    onStepEnd({
      state,
      control,
    }: {
      state: { globalStep: number };
      control: { shouldTrainingStop: boolean };
    }) {
      if (state.globalStep >= steps) control.shouldTrainingStop = true;
    },
  };
}
