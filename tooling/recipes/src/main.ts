import { setBackend } from '@weft/backend';
import { Command, InvalidArgumentError } from 'commander';
import { runFolder } from './files.js';

const program = new Command('recipe').description(
  'trains and judges models on the data folder; goes on where it stopped',
);

const number = (text: string): number => {
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  throw new InvalidArgumentError('a number above 0 is expected');
};

function recipe(name: string, description: string): Command {
  return program
    .command(name)
    .description(description)
    .option('--out <folder>', 'checkpoints, logs, model, report.json', runFolder(name));
}

/** Ctrl-C saves a checkpoint after the step under way. */
async function run(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const controller = new AbortController();
  process.once('SIGINT', () => controller.abort());
  process.once('SIGTERM', () => controller.abort());
  await setBackend();
  try {
    await work(controller.signal);
  } catch (error) {
    if (!controller.signal.aborted) throw error;
    process.stderr.write('stopped; the same command goes on\n');
    process.exitCode = 130;
  }
}

recipe('sst2', 'fine-tune an encoder on SST-2')
  .requiredOption('--model <folder>', 'the encoder, such as all-MiniLM-L6-v2')
  .option('--epochs <n>', 'epochs', number, 3)
  .option('--learning-rate <x>', 'peak learning rate', number, 5e-5)
  .option('--steps <n>', 'stop after n steps, for timing', number)
  .action((flags) => run(async (signal) => (await import('./sst2.js')).sst2({ ...flags, signal })));

recipe('translation', 'a T5 from nothing, English to German and French')
  .option('--epochs <n>', 'epochs', number, 14)
  .option('--learning-rate <x>', 'peak learning rate', number, 2e-3)
  .option('--dropout <p>', 'dropout', number, 0.1)
  .action((flags) =>
    run(async (signal) => (await import('./translation.js')).translation({ ...flags, signal })),
  );

recipe('textbook', 'the encoder-decoder of the paper on the same pairs')
  .option('--minutes <n>', 'training time', number, 12)
  .option('--learning-rate <x>', 'peak learning rate', number, 1e-3)
  .action((flags) => run(async (signal) => (await import('./textbook.js')).textbook({ ...flags, signal })));

recipe('question-answering', 'an encoder that finds answers, judged on articles it has not seen')
  .requiredOption('--model <folder>', 'the encoder, such as all-MiniLM-L6-v2')
  .option('--epochs <n>', 'epochs', number, 2)
  .option('--learning-rate <x>', 'peak learning rate', number, 1e-4)
  .action((flags) =>
    run(async (signal) => (await import('./question-answering.js')).questionAnswering({ ...flags, signal })),
  );

recipe('masked', 'a BERT from nothing, and what its pre-training is worth on SST-2')
  .option('--epochs <n>', 'epochs of the pre-training', number, 3)
  .action((flags) => run(async (signal) => (await import('./masked.js')).masked({ ...flags, signal })));

recipe('gpt2-mini', "a GPT-2 on children's books, beside 5-gram models")
  .option('--epochs <n>', 'epochs', number, 8)
  .action((flags) => run(async (signal) => (await import('./gpt2-mini.js')).gpt2Mini({ ...flags, signal })));

await program.parseAsync();
