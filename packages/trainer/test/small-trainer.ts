import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GPT2LMHeadModel, gpt2ConfigSchema } from '@weft/gpt2';
import { afterAll } from 'vitest';
import {
  dataCollatorForLanguageModeling,
  type LogEntry,
  type TokenizedExample,
  Trainer,
  type TrainerOptions,
  type TrainingArguments,
} from '../src/index.js';

/** Sizes in config.json. */
export const sizes = { vocab_size: 20, n_positions: 8, n_embd: 8, n_layer: 1, n_head: 2 };

/** A model that a step of training takes a few milliseconds of; the same parameters each time. */
export const newModel = (): GPT2LMHeadModel =>
  new GPT2LMHeadModel(gpt2ConfigSchema.parse({ ...sizes, bos_token_id: 0, eos_token_id: 0 }), { seed: 2 });

/** Ten rows of three to six ids. */
export const examples: TokenizedExample[] = Array.from({ length: 10 }, (_, i) => ({
  inputIds: Array.from({ length: 3 + (i % 4) }, (_, t) => 1 + ((i * 3 + t) % 19)),
}));

export const collate = dataCollatorForLanguageModeling({ tokenizer: { padTokenId: 0 }, mlm: false });

/** Where the runs of a test file go. */
export const folder = mkdtempSync(join(tmpdir(), 'weft-run-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let runs = 0;

/** Two examples a batch, a log a step, no checkpoint, a folder of its own, but for what `args` and `more` say. */
export function trainerOf(
  model: GPT2LMHeadModel,
  args: Partial<TrainingArguments>,
  more: Partial<TrainerOptions<TokenizedExample>> = {},
): Trainer<TokenizedExample> {
  const outputDir = join(folder, String(runs++));
  return new Trainer({
    model,
    args: {
      outputDir,
      perDeviceTrainBatchSize: 2,
      learningRate: 1e-2,
      saveStrategy: 'no',
      loggingSteps: 1,
      disableProgress: true,
      ...args,
    },
    trainDataset: examples,
    dataCollator: collate,
    ...more,
  });
}

export const losses = ({ state }: { state: { logHistory: LogEntry[] } }): number[] =>
  state.logHistory.flatMap(({ loss }) => (loss === undefined ? [] : [loss]));
