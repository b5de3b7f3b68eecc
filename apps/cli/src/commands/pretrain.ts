import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { withInterrupt } from '../interrupt.js';
import { integerOption, jsonOption, numberOption } from '../options.js';
import { note, printJson, printLine } from '../terminal.js';
import { addTrainingOptions, trainingArguments } from '../training/arguments.js';
import { holdOut, readCorpus } from '../training/corpus.js';
import {
  newLanguageModel,
  type Tokenizer,
  toBlocks,
  trainLanguageModel,
} from '../training/language-model.js';
import { trainBpe } from '../training/tokenizer.js';

interface PretrainFlags {
  data: string[];
  outputDir: string;
  tokenizer?: string;
  vocabSize: number;
  layers: number;
  width: number;
  heads: number;
  context: number;
  dropout: number;
  heldOut: number;
  seed: number;
  resume?: boolean;
  json?: boolean;
}

export function addPretrain(program: Command): void {
  const command = program
    .command('pretrain')
    .description('a GPT-2 from nothing: trains a tokenizer and the model on your text')
    .requiredOption('--data <path...>', 'text files, or folders with .txt files')
    .requiredOption('--output-dir <folder>', 'where checkpoints and the model go')
    .option('-t, --tokenizer <model>', 'use this tokenizer instead of training one')
    .addOption(integerOption('--vocab-size <n>', 'tokens of the trained tokenizer').default(4096))
    .addOption(integerOption('--layers <n>', 'blocks').default(4))
    .addOption(integerOption('--width <n>', 'width of the hidden states').default(256))
    .addOption(integerOption('--heads <n>', 'attention heads').default(4))
    .addOption(integerOption('--context <n>', 'positions').default(256))
    .addOption(numberOption('--dropout <rate>', 'of all kinds').default(0.1))
    .addOption(numberOption('--held-out <share>', 'share of the text, its end, to judge on').default(0.05))
    .option('--resume', 'go on from the newest checkpoint in the output folder');
  addTrainingOptions(command)
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
Examples:
  weft pretrain --data book.txt --output-dir out
  weft pretrain --data texts/ --output-dir out --layers 6 --width 384 --num-train-epochs 5
  weft pretrain --data book.txt --output-dir out --resume      # after Ctrl-C

Then: weft generate -m out "Once upon a time"`,
    )
    .action((flags: PretrainFlags & Record<string, unknown>) =>
      withInterrupt((signal) => pretrain(flags, signal), 'to go on, run the same command with --resume'),
    );
}

async function pretrain(flags: PretrainFlags & Record<string, unknown>, signal: AbortSignal): Promise<void> {
  const [{ setBackend }, corpus] = await Promise.all([import('@weft/backend'), readCorpus(flags.data)]);
  const backend = await setBackend();
  const texts = holdOut(corpus, flags.heldOut);
  const tokenizer = await tokenizerFor(flags, texts.train);
  const { context, layers, width, heads, seed, dropout } = flags;
  const blocks = {
    train: await toBlocks(tokenizer, texts.train, context),
    heldOut: await toBlocks(tokenizer, texts.heldOut, context),
  };
  using model = await newLanguageModel(tokenizer, { layers, width, heads, context }, { seed, dropout });
  note(
    `${blocks.train.length} blocks of ${context} tokens, ${model.numParameters()} parameters, on ${backend}`,
  );
  const args = trainingArguments(flags, flags.outputDir);
  const { output, heldOutLoss, unigram } = await trainLanguageModel(model, tokenizer, blocks, args, {
    signal,
    ...(flags.resume ? { resume: true } : {}),
  });
  await model.savePretrained(flags.outputDir);
  await tokenizer.savePretrained(flags.outputDir);
  const result = {
    model: flags.outputDir,
    steps: output.globalStep,
    trainLoss: output.trainingLoss,
    heldOutLoss,
    unigramLoss: unigram,
    perplexity: Math.exp(heldOutLoss),
  };
  if (flags.json) {
    printJson(result);
    return;
  }
  printLine(`held-out loss ${heldOutLoss.toFixed(4)} (a unigram model has ${unigram.toFixed(4)})`);
  printLine(`saved in ${flags.outputDir}; now: weft generate -m ${flags.outputDir} "..."`);
}

/** The named tokenizer, the one of the run that is gone on with, or a new one. */
async function tokenizerFor(flags: PretrainFlags, texts: readonly string[]): Promise<Tokenizer> {
  const { AutoTokenizer } = await import('@weft/tokenizer');
  if (flags.tokenizer !== undefined) return AutoTokenizer.fromPretrained(flags.tokenizer);
  const kept = join(flags.outputDir, 'tokenizer.json');
  if (flags.resume && existsSync(kept)) return AutoTokenizer.fromPretrained(flags.outputDir);
  const tokenizer = await trainBpe(texts, flags.vocabSize);
  await tokenizer.savePretrained(flags.outputDir);
  return tokenizer;
}
