import { join } from 'node:path';
import { writeFileAtomic } from '@weft/checkpoint';
import { dataFile, lines, writeReport } from './files.js';
import type { RunOptions } from './run.js';
import { lastJson, trainByCommand, weft } from './weft.js';

export interface Sentiment3Options extends RunOptions {
  /** Folder of the encoder to start from: bert-mini, or what knows two classes already. */
  model: string;
  epochs: number;
  learningRate: number;
}

const SEED = 1;
const classes = ['negative', 'neutral', 'positive'];

/**
 * Messages in three classes. TweetEval's training texts are not in the data folder: this trains on its test split
 * (12,284) and is judged on its validation split (2,000).
 */
export async function sentiment3(options: Sentiment3Options): Promise<void> {
  const { model, out, epochs, learningRate, signal } = options;
  const file = (name: string): string => join(out, `${name}.jsonl`);
  await writeFileAtomic(file('train'), rows('test'));
  await writeFileAtomic(file('test'), rows('val'));
  const trained = join(out, 'model');
  const seconds = await trainByCommand(
    trained,
    [
      ...['finetune', '-m', model, '--train', file('train')],
      ...['--eval-split', '0.05', '--eval-strategy', 'epoch', '--group-by-length', '--seed', `${SEED}`],
      ...[
        '--num-train-epochs',
        `${epochs}`,
        '--learning-rate',
        `${learningRate}`,
        '--ignore-mismatched-sizes',
      ],
      ...['--per-device-train-batch-size', '32', '--warmup-ratio', '0.06', '--weight-decay', '0.01'],
      ...['--save-strategy', 'epoch', '--logging-steps', '100'],
    ],
    signal,
  );
  const output = await weft(['evaluate', '-m', trained, '--data', file('test'), '--json'], signal);
  await writeReport(out, {
    recipe: 'sentiment-3',
    ...{ model, seed: SEED, epochs, learningRate, seconds },
    metrics: lastJson(output).metrics,
  });
}

/** Texts and classes of a split of TweetEval, one JSON object a line. */
function rows(split: string): string {
  const texts = lines(dataFile(`tweeteval/sentiment/${split}_text.txt`));
  const labels = lines(dataFile(`tweeteval/sentiment/${split}_labels.txt`));
  return texts
    .map((text, i) => `${JSON.stringify({ text: text.trim(), label: classes[Number(labels[i])]! })}\n`)
    .join('');
}
