import { join } from 'node:path';
import { writeFileAtomic } from '@weft/checkpoint';
import { GPT2LMHeadModel } from '@weft/gpt2';
import { AutoTokenizer } from '@weft/tokenizer';
import { dataFile, writeReport } from './files.js';
import { modelPerplexity, tokenKneserNeyPerplexity, wordKneserNeyPerplexity } from './perplexity.js';
import { millions, type RunOptions } from './run.js';
import { trainByCommand } from './weft.js';

export interface Gpt2MiniOptions extends RunOptions {
  epochs: number;
}

const trainFiles = [
  'fairytale_stories/train.txt',
  ...[0, 1, 2, 3].map((part) => `books_children/train.0${part}.txt`),
];
const testFiles = ['books_children/test.00.txt', 'fairytale_stories/test.txt'];

/**
 * A GPT-2 of 3.5 million parameters on children's classics and fairy tales, with a byte-level BPE vocabulary of its
 * own, beside interpolated Kneser-Ney 5-gram models of the same text.
 */
export async function gpt2Mini({ out, epochs, signal }: Gpt2MiniOptions): Promise<void> {
  const corpus = join(out, 'corpus.txt');
  const train = trainFiles.map(dataFile).join('\n');
  await writeFileAtomic(corpus, train);
  const trained = join(out, 'model');
  const seconds = await trainByCommand(
    trained,
    [
      ...['pretrain', '--data', corpus, '--vocab-size', '4096', '--held-out', '0.01'],
      ...['--layers', '3', '--width', '256', '--heads', '4', '--context', '256', '--dropout', '0'],
      ...['--num-train-epochs', `${epochs}`, '--per-device-train-batch-size', '8'],
      ...['--learning-rate', '0.002', '--warmup-ratio', '0.03'],
      ...['--weight-decay', '0.1', '--adam-beta2', '0.95'],
      ...['--save-strategy', 'steps', '--save-steps', '500', '--logging-steps', '100'],
    ],
    signal,
  );
  const tokenizer = await AutoTokenizer.fromPretrained(trained);
  using model = await GPT2LMHeadModel.fromPretrained(trained);
  const perplexity = Object.fromEntries(
    testFiles.map((name) => {
      const text = dataFile(name);
      const ofWords = wordKneserNeyPerplexity(train, text);
      return [
        name,
        {
          model: modelPerplexity(model, tokenizer, text),
          fiveGramOfTokens: tokenKneserNeyPerplexity(tokenizer, train, text),
          fiveGramOfWords: ofWords.spelt,
          fiveGramOfUnspeltWords: ofWords.unspelt,
        },
      ];
    }),
  );
  const { inputIds } = tokenizer.encodeBatch(['Once upon a time there was', 'The old woman looked at the']);
  const samples = await model.generate(inputIds, {
    ...{ maxNewTokens: 150, doSample: true, temperature: 0.8, topP: 0.95, seed: 1 },
  });
  await writeReport(out, {
    recipe: 'gpt2-mini',
    parameters: millions(model),
    epochs,
    seconds,
    perplexityPerWord: perplexity,
    samples: samples.map((ids) => tokenizer.decode(ids, { skipSpecialTokens: true })),
  });
}
