import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { writeJsonAtomic } from '@weft/checkpoint';
import { ConfigError } from '@weft/errors';
import type { TrainerCallback, TrainingArguments, TrainOutput } from '@weft/trainer';
import { type Command, Option } from 'commander';
import { withInterrupt } from '../interrupt.js';
import { integerOption, jsonOption, numberOption } from '../options.js';
import { amount, note, printJson, printLine } from '../terminal.js';
import { addTrainingOptions, trainingArguments } from '../training/arguments.js';
import { holdOut, readCorpus } from '../training/corpus.js';
import {
  newLanguageModel,
  type Tokenizer,
  toBlocks,
  trainLanguageModel,
} from '../training/language-model.js';
import {
  newMaskedLanguageModel,
  toMaskedBlocks,
  trainMaskedLanguageModel,
} from '../training/masked-language-model.js';
import { prepareOutputFolder, withLastCheckpoint } from '../training/output-folder.js';
import { trainBpe, trainWordPieces } from '../training/tokenizer.js';

const objectives = ['causal', 'mlm'] as const;

interface PretrainFlags extends Record<string, unknown> {
  data: string[];
  outputDir: string;
  objective: (typeof objectives)[number];
  tokenizer?: string;
  vocabSize: number;
  layers: number;
  width: number;
  heads: number;
  context: number;
  dropout: number;
  heldOut: number;
  wholeWordMask?: boolean;
  mlmProbability: number;
  seed: number;
  resume?: boolean;
  overwriteOutputDir?: boolean;
  json?: boolean;
}

export function addPretrain(program: Command): void {
  const command = program
    .command('pretrain')
    .description('a GPT-2 or a BERT from nothing: trains a tokenizer and the model on your text')
    .requiredOption('--data <path...>', 'text files, or folders with .txt files')
    .requiredOption('--output-dir <folder>', 'where checkpoints, the model and charts go')
    .addOption(
      new Option('--objective <name>', 'causal: GPT-2, the next token; mlm: BERT, masked tokens')
        .choices(objectives)
        .default('causal'),
    )
    .option('-t, --tokenizer <model>', 'use this tokenizer instead of training one')
    .addOption(integerOption('--vocab-size <n>', 'tokens of the trained tokenizer').default(4096))
    .addOption(integerOption('--layers <n>', 'blocks').default(4))
    .addOption(integerOption('--width <n>', 'width of the hidden states').default(256))
    .addOption(integerOption('--heads <n>', 'attention heads').default(4))
    .addOption(integerOption('--context <n>', 'positions').default(256))
    .addOption(numberOption('--dropout <rate>', 'of all kinds').default(0.1))
    .addOption(numberOption('--held-out <share>', 'share of the text, its end, to judge on').default(0.05))
    .option('--whole-word-mask', 'mlm: mask all tokens of a word or none')
    .addOption(numberOption('--mlm-probability <share>', 'mlm: share of tokens to predict').default(0.15))
    .option('--resume', 'go on from the newest checkpoint in the output folder')
    .option('--overwrite-output-dir', 'write over a run that is there')
    .addOption(jsonOption());
  addTrainingOptions(command, {
    learningRate: 5e-4,
    lrSchedulerType: 'cosine',
    warmupRatio: 0.05,
    weightDecay: 0.01,
    evalStrategy: 'epoch',
    saveStrategy: 'epoch',
    saveTotalLimit: 2,
    loggingSteps: 20,
  })
    .addHelpText(
      'after',
      `
Examples:
  weft pretrain --data book.txt --output-dir out
  weft pretrain --data texts/ --output-dir out --layers 6 --width 384 --num-train-epochs 5
  weft pretrain --objective mlm --whole-word-mask --data texts/ --output-dir bert --context 128
  weft pretrain --data book.txt --output-dir out --resume      # after Ctrl-C

Then: weft generate -m out "Once upon a time", or weft fill-mask -m bert "Once upon a [MASK]"`,
    )
    .action((flags: PretrainFlags) =>
      withInterrupt((signal) => pretrain(flags, signal), 'to go on, run the same command with --resume'),
    );
}

async function pretrain(flags: PretrainFlags, signal: AbortSignal): Promise<void> {
  const args = trainingArguments(flags, flags.outputDir);
  const resume = flags.resume === true || args.resumeFromCheckpoint !== undefined;
  await prepareOutputFolder(flags.outputDir, { resume, overwrite: flags.overwriteOutputDir === true });
  const [{ setBackend }, corpus, { resolveArguments }, { ChartsCallback }] = await Promise.all([
    import('@weft/backend'),
    readCorpus(flags.data),
    import('@weft/trainer'),
    import('../charts/history.js'),
  ]);
  resolveArguments(args);
  const backend = await setBackend();
  const texts = holdOut(corpus, flags.heldOut);
  const tokenizer = await tokenizerFor(flags, texts.train);
  const learn = flags.objective === 'mlm' ? pretrainMasked : pretrainCausal;
  const { output, heldOutLoss, unigram } = await withLastCheckpoint(flags.outputDir, () =>
    learn(flags, {
      texts,
      tokenizer,
      args,
      signal,
      backend,
      callbacks: [new ChartsCallback(flags.outputDir)],
    }),
  );
  const results = {
    steps: output.globalStep,
    trainLoss: output.trainingLoss,
    heldOutLoss,
    unigramLoss: unigram,
    perplexity: Math.exp(heldOutLoss),
  };
  await writeJsonAtomic(join(flags.outputDir, 'all_results.json'), results);
  if (flags.json) {
    printJson({ model: flags.outputDir, ...results });
    return;
  }
  printLine(`held-out loss ${heldOutLoss.toFixed(4)} (a unigram model has ${unigram.toFixed(4)})`);
  const then = flags.objective === 'mlm' ? 'fill-mask' : 'generate';
  printLine(`saved in ${flags.outputDir}; now: weft ${then} -m ${flags.outputDir} "..."`);
}

interface Prepared {
  texts: { train: string[]; heldOut: string[] };
  tokenizer: Tokenizer;
  args: TrainingArguments;
  signal: AbortSignal;
  backend: string;
  callbacks: TrainerCallback[];
}

interface Learnt {
  output: TrainOutput;
  heldOutLoss: number;
  unigram: number;
}

async function pretrainCausal(
  flags: PretrainFlags,
  { texts, tokenizer, args, signal, backend, callbacks }: Prepared,
): Promise<Learnt> {
  const { seed, dropout, context } = flags;
  const blocks = {
    train: await toBlocks(tokenizer, texts.train, context),
    heldOut: await toBlocks(tokenizer, texts.heldOut, context),
  };
  requireBlocks(blocks, flags);
  using model = await newLanguageModel(tokenizer, flags, { seed, dropout });
  noteSizes(blocks.train.length, flags, model, backend);
  const learnt = await trainLanguageModel(model, tokenizer, blocks, args, {
    signal,
    callbacks,
    ...(flags.resume ? { resume: true } : {}),
  });
  await model.savePretrained(flags.outputDir);
  await tokenizer.savePretrained(flags.outputDir);
  return learnt;
}

async function pretrainMasked(
  flags: PretrainFlags,
  { texts, tokenizer, args, signal, backend, callbacks }: Prepared,
): Promise<Learnt> {
  const { seed, dropout, context, wholeWordMask = false, mlmProbability: probability } = flags;
  const blocks = {
    train: toMaskedBlocks(tokenizer, texts.train, context),
    heldOut: toMaskedBlocks(tokenizer, texts.heldOut, context),
  };
  requireBlocks(blocks, flags);
  using model = await newMaskedLanguageModel(tokenizer, flags, { seed, dropout });
  noteSizes(blocks.train.length, flags, model, backend);
  const learnt = await trainMaskedLanguageModel(model, tokenizer, blocks, args, {
    signal,
    masking: { wholeWords: wholeWordMask, probability, seed },
    callbacks,
    ...(flags.resume ? { resume: true } : {}),
  });
  await model.savePretrained(flags.outputDir);
  await tokenizer.savePretrained(flags.outputDir);
  return learnt;
}

function requireBlocks(
  blocks: { train: readonly unknown[]; heldOut: readonly unknown[] },
  { context }: PretrainFlags,
): void {
  if (blocks.train.length > 0 && blocks.heldOut.length > 0) return;
  throw new ConfigError({
    operation: 'pretrain',
    expected: `text enough for a block of ${context} tokens to learn from and one to judge on`,
    received: `${blocks.train.length} and ${blocks.heldOut.length}`,
    remedy: 'give more text, a smaller --context or a larger --held-out',
  });
}

function noteSizes(
  blocks: number,
  { context }: PretrainFlags,
  model: { numParameters(): number },
  backend: string,
): void {
  note(`${blocks} blocks of ${context} tokens, ${amount(model.numParameters())} parameters, on ${backend}`);
}

/** The named tokenizer, the one of the run that is gone on with, or a new one. */
async function tokenizerFor(flags: PretrainFlags, texts: readonly string[]): Promise<Tokenizer> {
  const { AutoTokenizer } = await import('@weft/tokenizer');
  if (flags.tokenizer !== undefined) return AutoTokenizer.fromPretrained(flags.tokenizer);
  const kept = join(flags.outputDir, 'tokenizer.json');
  if (flags.resume && existsSync(kept)) return AutoTokenizer.fromPretrained(flags.outputDir);
  const train = flags.objective === 'mlm' ? trainWordPieces : trainBpe;
  const tokenizer = await train(texts, flags.vocabSize);
  // What a text is cut to when the model is used.
  tokenizer.modelMaxLength = flags.context;
  await tokenizer.savePretrained(flags.outputDir);
  return tokenizer;
}
