import { join } from 'node:path';
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
  .option('--epochs <n>', 'epochs', number, 8)
  .option('--learning-rate <x>', 'peak learning rate, times the scale of each parameter', number, 0.02)
  .option('--dropout <p>', 'dropout', number, 0.1)
  .action((flags) =>
    run(async (signal) => (await import('./translation.js')).translation({ ...flags, signal })),
  );

recipe('textbook', 'the encoder-decoder of the paper on the same pairs')
  .option('--minutes <n>', 'training time', number, 12)
  .option('--learning-rate <x>', 'peak learning rate', number, 2e-3)
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

recipe('bert-mini', 'a small BERT: masked words, and the hidden states of a teacher')
  .requiredOption('--teacher <folder>', 'all-MiniLM-L6-v2')
  .option('--epochs <n>', 'epochs', number, 1)
  .option('--learning-rate <x>', 'peak learning rate', number, 1e-3)
  .option('--hidden-weight <x>', "weight of the teacher's hidden states", number, 5)
  .action((flags) => run(async (signal) => (await import('./bert-mini.js')).bertMini({ ...flags, signal })));

recipe('bert-mini-sentiment', 'bert-mini on SST-2, towards the labels and a larger classifier')
  .option('--model <folder>', 'the encoder', runFolder('bert-mini'))
  .option('--teacher <folder>', 'what the recipe sst2 made', runFolder('sst2'))
  .option('--epochs <n>', 'epochs', number, 3)
  .option('--learning-rate <x>', 'peak learning rate', number, 4e-4)
  .action((flags) => run(async (signal) => (await import('./sentiment.js')).sentiment({ ...flags, signal })));

recipe('bert-mini-sentiment-3', 'messages in three classes: negative, neutral, positive')
  .option('--model <folder>', 'the encoder', runFolder('bert-mini-sentiment'))
  .option('--epochs <n>', 'epochs', number, 4)
  .option('--learning-rate <x>', 'peak learning rate', number, 3e-4)
  .action((flags) =>
    run(async (signal) => (await import('./sentiment-3.js')).sentiment3({ ...flags, signal })),
  );

recipe('bert-mini-qa', 'bert-mini finds answers, towards those of people and of a larger model')
  .option('--model <folder>', 'the encoder', runFolder('bert-mini'))
  .option(
    '--teacher <folder>',
    'what the recipe question-answering made',
    join(runFolder('question-answering'), 'model'),
  )
  .option('--epochs <n>', 'epochs', number, 2)
  .option('--learning-rate <x>', 'peak learning rate', number, 4e-4)
  .action((flags) =>
    run(async (signal) =>
      (await import('./question-answering-mini.js')).questionAnsweringMini({ ...flags, signal }),
    ),
  );

recipe('gpt2-mini', "a GPT-2 on children's books, beside 5-gram models")
  .option('--epochs <n>', 'epochs', number, 5)
  .action((flags) => run(async (signal) => (await import('./gpt2-mini.js')).gpt2Mini({ ...flags, signal })));

program
  .command('release')
  .description('finished models into packages/mini-models: half precision, metrics, cards')
  .argument('[names...]', 'gpt2-mini, bert-mini, ...; default: all whose run has ended')
  .action(async (names: string[]) => {
    const { release } = await import('./release.js');
    await release(names, { say: (line) => process.stdout.write(`${line}\n`) });
  });

await program.parseAsync();
