import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BertForSequenceClassification, bertConfigSchema } from '@weft/bert';
import { writeFileAtomic } from '@weft/checkpoint';
import { AutoTokenizer } from '@weft/tokenizer';
import { dataFile, writeReport } from './files.js';
import type { RunOptions } from './run.js';
import { lastJson, trainByCommand, weft } from './weft.js';

export interface MaskedOptions extends RunOptions {
  epochs: number;
}

const texts = [
  'speeches/inaugural.txt',
  'speeches/state_union.txt',
  'fairytale_stories/train.txt',
  ...[0, 1, 2, 3].map((part) => `books_children/train.0${part}.txt`),
];

/**
 * A BERT of 3 million parameters, masked language modelling from nothing on the running texts of the data folder;
 * then SST-2 from it, and from the same model untrained, so that the worth of the pre-training shows.
 */
export async function masked({ out, epochs, signal }: MaskedOptions): Promise<void> {
  const corpus = join(out, 'corpus.txt');
  await writeFileAtomic(corpus, texts.map(dataFile).join('\n'));
  const pretrained = join(out, 'bert');
  const seconds = await trainByCommand(
    pretrained,
    [
      ...['pretrain', '--objective', 'mlm', '--data', corpus, '--vocab-size', '6000', '--held-out', '0.03'],
      ...['--layers', '4', '--width', '192', '--heads', '6', '--context', '64', '--dropout', '0'],
      ...['--num-train-epochs', `${epochs}`, '--per-device-train-batch-size', '16'],
      ...['--learning-rate', '0.001', '--lr-scheduler-type', 'linear'],
      ...['--save-strategy', 'steps', '--save-steps', '1000', '--logging-steps', '200'],
    ],
    signal,
  );
  const untrained = join(out, 'untrained');
  await drawAnew(pretrained, untrained);
  await writeReport(out, {
    recipe: 'masked',
    epochs,
    seconds,
    pretraining: JSON.parse(readFileSync(join(pretrained, 'all_results.json'), 'utf8')),
    sst2: {
      pretrained: await sentiment(pretrained, join(out, 'sst2-pretrained'), signal),
      untrained: await sentiment(untrained, join(out, 'sst2-untrained'), signal),
    },
  });
}

/** The same shape and vocabulary with parameters that nothing was learnt by. */
async function drawAnew(pretrained: string, out: string): Promise<void> {
  const config = bertConfigSchema.parse(JSON.parse(readFileSync(join(pretrained, 'config.json'), 'utf8')));
  const labelled = { ...config, id2label: { 0: '0', 1: '1' }, label2id: { 0: 0, 1: 1 } };
  using model = new BertForSequenceClassification(labelled, { seed: 1 });
  await model.savePretrained(out);
  await (await AutoTokenizer.fromPretrained(pretrained)).savePretrained(out);
}

/** Fine-tunes on SST-2 and gives the metrics on its 872 test sentences. */
async function sentiment(model: string, out: string, signal: AbortSignal): Promise<unknown> {
  const files: Record<string, string> = {};
  for (const split of ['train', 'dev', 'test']) {
    files[split] = join(out, '..', `sst2-${split}.tsv`);
    await writeFileAtomic(files[split], dataFile(`sst2/phrases_${split}.tsv`));
  }
  await trainByCommand(
    out,
    [
      ...[
        'finetune',
        '-m',
        model,
        '--train',
        files.train!,
        '--eval-file',
        files.dev!,
        '--eval-strategy',
        'epoch',
      ],
      ...['--num-train-epochs', '3', '--per-device-train-batch-size', '32', '--learning-rate', '0.0003'],
      ...['--save-strategy', 'epoch', '--logging-steps', '200'],
    ],
    signal,
  );
  return lastJson(await weft(['evaluate', '-m', out, '--data', files.test!, '--json'], signal)).metrics;
}
