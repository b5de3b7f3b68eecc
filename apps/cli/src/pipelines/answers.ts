import { once } from 'node:events';
import type { PipelineOf, PipelineTask } from '@weft/pipelines';
import { noteColors } from '../colors.js';
import { withInterrupt } from '../interrupt.js';
import { fileBars } from '../progress-bar.js';
import { duration, note } from '../terminal.js';
import type { PipelineFlags } from './options.js';

/** Loads the pipeline of a task, with bars for what is fetched; says which model answers where none was named. */
export async function openPipeline<T extends PipelineTask>(
  task: T,
  { model, revision, localFilesOnly, token }: PipelineFlags,
  signal: AbortSignal,
): Promise<PipelineOf<T>> {
  const { pipeline } = await import('@weft/pipelines');
  const bars = fileBars();
  const opened = await pipeline(task, model, {
    ...(revision === undefined ? {} : { revision }),
    ...(localFilesOnly ? { localFilesOnly } : {}),
    ...(token ? { token } : {}),
    signal,
    onProgress: bars.update,
    warn: (message) => process.stderr.write(`${noteColors.yellow('warning')} ${message}\n`),
  }).finally(() => bars.stop());
  if (model === undefined) note(`${(opened as { modelName: string }).modelName} answers`);
  return opened;
}

/** How a verb runs: what it reads, what answers, how an answer looks. */
export interface Run<Input, Result> {
  inputs: AsyncIterable<Input>;
  /** Inputs that the model is not bothered with: they have no result, and their place is kept. */
  isBlank: (input: Input) => boolean;
  answer: (inputs: AsyncIterable<Input>, signal: AbortSignal) => AsyncIterable<Result>;
  /** Lines, each ended. */
  show: (input: Input, result: Result | undefined) => string;
  /** What an input is called, for the count at the end. */
  noun: string;
}

/**
 * Reads, answers and prints in step, in the order of the inputs, as fast as whoever reads the output: nothing piles
 * up. Ctrl-C ends it between two batches.
 */
export function answerAll<Input, Result>(
  open: (signal: AbortSignal) => Promise<Run<Input, Result> & { dispose: () => void }>,
): Promise<void> {
  return withInterrupt(async (signal) => {
    const run = await open(signal);
    const started = performance.now();
    let count = 0;
    try {
      for await (const [input, result] of pairs(run, signal)) {
        count++;
        await write(run.show(input, result));
      }
    } finally {
      run.dispose();
    }
    const seconds = (performance.now() - started) / 1000;
    if (count > 1) {
      const rate = (count / seconds).toPrecision(3);
      note(
        `${count} ${run.noun}s in ${seconds < 10 ? `${seconds.toFixed(1)} s` : duration(seconds)}, ${Number(rate)} a second`,
      );
    }
  });
}

/** Each input with its result; the queue between them is no longer than a batch. */
async function* pairs<Input, Result>(
  { inputs, isBlank, answer }: Run<Input, Result>,
  signal: AbortSignal,
): AsyncGenerator<[Input, Result | undefined], void, void> {
  const waiting: Input[] = [];
  async function* asked(): AsyncGenerator<Input, void, void> {
    for await (const input of inputs) {
      waiting.push(input);
      if (!isBlank(input)) yield input;
    }
  }
  const blanks = function* (): Generator<[Input, undefined]> {
    while (waiting.length > 0 && isBlank(waiting[0]!)) yield [waiting.shift()!, undefined];
  };
  for await (const result of answer(asked(), signal)) {
    yield* blanks();
    yield [waiting.shift()!, result];
  }
  yield* blanks();
}

async function write(text: string): Promise<void> {
  if (!process.stdout.write(text)) await once(process.stdout, 'drain');
}
