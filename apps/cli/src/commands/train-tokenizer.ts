import type { Command } from 'commander';
import { integerOption } from '../options.js';
import { printLine } from '../terminal.js';
import { readCorpus } from '../training/corpus.js';
import { trainBpe, trainWordPieces } from '../training/tokenizer.js';

interface Flags {
  data: string[];
  outputDir: string;
  vocabSize: number;
  model: 'bpe' | 'wordpiece';
}

export function addTrainTokenizer(program: Command): void {
  program
    .command('train-tokenizer')
    .description('learn a vocabulary from text')
    .requiredOption('--data <path...>', 'text files, or folders with .txt files')
    .requiredOption('--output-dir <folder>', 'where tokenizer.json goes')
    .addOption(integerOption('--vocab-size <n>', 'tokens').default(8192))
    .option('--model <kind>', 'bpe (byte-level, as GPT-2) or wordpiece (lower-cased, as BERT)', 'bpe')
    .addHelpText(
      'after',
      '\nExample:\n  weft train-tokenizer --data book.txt --output-dir out --vocab-size 4096',
    )
    .action(async ({ data, outputDir, vocabSize, model }: Flags) => {
      const texts = await readCorpus(data);
      const started = performance.now();
      const tokenizer = await (model === 'wordpiece' ? trainWordPieces : trainBpe)(texts, vocabSize);
      await tokenizer.savePretrained(outputDir);
      const seconds = ((performance.now() - started) / 1000).toFixed(1);
      printLine(`${tokenizer.vocabSize} tokens, learnt in ${seconds} s, saved in ${outputDir}`);
    });
}
