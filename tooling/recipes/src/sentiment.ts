import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { randomNumbers } from '@weft/attention';
import { BertForSequenceClassification } from '@weft/bert';
import { writeJsonAtomic } from '@weft/checkpoint';
import { AutoTokenizer } from '@weft/tokenizer';
import { dataCollatorWithPadding, type TokenizedExample, Trainer } from '@weft/trainer';
import { dataFile, lines, writeReport } from './files.js';
import { reworded, wordNeighbours } from './rewording.js';
import { EffortCallback, millions, type RunOptions, trainOrResume } from './run.js';
import { SoftLabels } from './soft-labels.js';
import { accuracyOf, readSentences, type Sentence } from './sst2.js';

export interface SentimentOptions extends RunOptions {
  /** Folder of the encoder to start from, bert-mini. */
  model: string;
  /** Folder of a classifier that the recipe `sst2` made. */
  teacher: string;
  epochs: number;
  learningRate: number;
}

const SEED = 1;

/** Share of the words that a training step hides. */
const HIDDEN = 0.1;

/** Each sentence comes in as many other wordings, a third of its words exchanged for one of their nearest. */
const WORDINGS = 4;
const EXCHANGED = 0.33;
const NEAREST = 15;

/**
 * bert-mini, fine-tuned on SST-2's phrases and sentences towards their labels and towards the logits of a larger
 * classifier (as in "Distilling task-specific knowledge from BERT", Tang et al. 2019). Sentences that nobody has
 * judged join them with what the larger one says: those on films of the subjectivity set, and all sentences in other
 * words. Each time a text is read some of its words are hidden: the model knew phrases by heart before.
 */
export async function sentiment(options: SentimentOptions): Promise<void> {
  const { model: source, teacher, out, epochs, learningRate } = options;
  const tokenizer = await AutoTokenizer.fromPretrained(source);
  const read = (split: string): Sentence[] => readSentences(tokenizer, dataFile(`sst2/phrases_${split}.tsv`));
  const [dev, test] = [read('dev'), read('test')];
  const texts = await trainingTexts(teacher);
  const targets = await teacherLogits(teacher, texts, join(out, 'teacher-logits.json'));
  const { inputIds, attentionMask } = tokenizer.encodeBatch(texts.map(({ text }) => text));
  const train = texts.map(({ label }, i) => ({
    inputIds: inputIds[i]!,
    attentionMask: attentionMask[i]!,
    label: label ?? Number(targets[i]![1]! > targets[i]![0]!),
    softLabels: targets[i]!,
  }));

  const student = await BertForSequenceClassification.fromPretrained(source, {
    id2label: { 0: 'NEGATIVE', 1: 'POSITIVE' },
    seed: SEED,
  });
  using model = new SoftLabels(student);
  const effort = new EffortCallback(out);
  const pad = dataCollatorWithPadding({ tokenizer });
  const trainer = new Trainer<Sentence & { softLabels?: number[] }>({
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
      seed: SEED,
      loggingSteps: 100,
      saveSteps: 500,
      saveTotalLimit: 1,
      evalStrategy: 'epoch',
    },
    trainDataset: train,
    evalDataset: dev,
    dataCollator: (examples, context) => {
      const softLabels = examples.flatMap(({ softLabels }) => (softLabels ? [softLabels] : []));
      const plain = examples.map(({ softLabels: _, ...rest }) => rest);
      if (!context?.training) return pad(plain);
      const { seed, epoch, batch } = context;
      const { uniform } = randomNumbers((seed * 1000 + epoch) * 100_000 + batch);
      const hidden = plain.map((example) => ({
        ...example,
        inputIds: example.inputIds.map((id, t) =>
          t > 0 && t < example.inputIds.length - 1 && uniform() < HIDDEN ? tokenizer.maskTokenId! : id,
        ),
      }));
      return { ...pad(hidden), softLabels };
    },
    computeMetrics: accuracyOf,
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

interface Text {
  text: string;
  /** None where nobody has judged it. */
  label?: number;
}

/** Phrases, whole sentences, sentences without a label, and sentences in other words; none that is judged by. */
async function trainingTexts(teacher: string): Promise<Text[]> {
  const judged = (file: string): Text[] =>
    lines(dataFile(file)).flatMap((line) => {
      const [text, label] = line.split('\t');
      return label === '0' || label === '1' ? [{ text: text!, label: Number(label) }] : [];
    });
  const plain = (text: string): string => text.toLowerCase().replace(/[^a-z0-9]/g, '');
  const test = judged('sst2/phrases_test.tsv').map(({ text }) => plain(text));
  const unjudged = lines(dataFile('subjectivity/train.tsv'))
    .slice(1)
    .map((line) => line.split('\t')[0]!)
    .filter((text) => {
      const own = plain(text);
      return !test.some((each) => own.includes(each) || each.includes(own));
    });
  const sentences = judged('sst2/sentences_train.tsv');
  const others = await otherWordings(teacher, [...sentences.map(({ text }) => text), ...unjudged]);
  return [
    ...judged('sst2/phrases_train.tsv'),
    ...sentences,
    ...[...unjudged, ...others].map((text) => ({ text })),
  ];
}

async function otherWordings(teacher: string, sentences: readonly string[]): Promise<string[]> {
  const tokenizer = await AutoTokenizer.fromPretrained(teacher);
  using model = await BertForSequenceClassification.fromPretrained(teacher);
  const words = new Set(sentences.flatMap((text) => text.split(' ')));
  const { weight } = model.bert.embeddings.word_embeddings;
  const neighbours = wordNeighbours(weight, tokenizer.getVocab(), words, NEAREST);
  return Array.from({ length: WORDINGS }, (_, i) =>
    reworded(sentences, neighbours, { share: EXCHANGED, seed: SEED + i }),
  ).flat();
}

/** The larger classifier's logits of each text; computed once a run. */
async function teacherLogits(folder: string, texts: readonly Text[], file: string): Promise<number[][]> {
  if (existsSync(file)) {
    const known = JSON.parse(readFileSync(file, 'utf8')) as number[][];
    // Of other texts, if the recipe has changed since.
    if (known.length === texts.length) return known;
  }
  const tokenizer = await AutoTokenizer.fromPretrained(folder);
  const { inputIds, attentionMask } = tokenizer.encodeBatch(
    texts.map(({ text }) => text),
    { truncation: true, maxLength: 128 },
  );
  using model = await BertForSequenceClassification.fromPretrained(folder);
  // Sorted, so that little is padded.
  const order = texts.map((_, i) => i).sort((a, b) => inputIds[a]!.length - inputIds[b]!.length);
  const trainer = new Trainer<TokenizedExample>({
    model,
    args: { outputDir: join(file, '..', 'teacher'), perDeviceEvalBatchSize: 64 },
    dataCollator: dataCollatorWithPadding({ tokenizer }),
  });
  const { predictions } = await trainer.predict(
    order.map((i) => ({ inputIds: inputIds[i]!, attentionMask: attentionMask[i]! })),
  );
  const logits = new Array<number[]>(texts.length);
  for (const [row, i] of order.entries()) logits[i] = Array.from((predictions as Float32Array[])[row]!);
  await writeJsonAtomic(file, logits);
  return logits;
}
