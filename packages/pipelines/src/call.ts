import { setImmediate as yieldToEvents } from 'node:timers/promises';
import { InputError } from '@weft/errors';
import type { Tokenizer } from '@weft/tokenizer';
import { type CallOptions, shown } from './options.js';

/** What a pipeline needs of any model. */
export interface AnyModel {
  dispose(): void;
}

/** A loaded model with its tokenizer, at work for a task. */
export interface Parts<M> {
  /** As the caller named it: an alias and a language pair stay as they are. */
  readonly task: string;
  readonly model: M;
  readonly tokenizer: Tokenizer;
  /** The hub id or the folder that answers. */
  readonly modelName: string;
  readonly warn: (message: string) => void;
}

/** What every pipeline is, beside being called. */
export interface BasePipeline<Input, Result, Options extends CallOptions, Model extends AnyModel>
  extends Parts<Model> {
  /**
   * Answers inputs as they come, in their order, a batch at a time: memory does not grow with their number. An
   * input's result has the form that it has in a list.
   */
  stream(
    inputs: AsyncIterable<Input> | Iterable<Input>,
    options?: Options,
  ): AsyncGenerator<Result, void, void>;
  /** Frees the model, unless it was the caller's own. */
  dispose(): void;
  [Symbol.dispose](): void;
}

/** Answers one batch; `place` is that of its first input among all of the call's. */
export type Answer<Input, Result> = (batch: readonly Input[], place: number) => Promise<Result[]>;

/** One task: what it takes, and how it answers. */
export interface Task<Input, Result, Options extends CallOptions, Model extends AnyModel> {
  /** True for one input, false for a list of them. */
  isOne(input: unknown): boolean;
  /** @throws InputError for what is no input of the task */
  check(input: unknown, operation: string): Input;
  /** Checks a call's options, and gives what answers a batch under them. */
  prepare(parts: Parts<Model>, options: Options): Answer<Input, Result>;
  /** The form that a single input's result has, where it differs from that in a list. */
  single?(result: Result, input: Input, options: Options): unknown;
  /** Token by token, where the task writes text. */
  streamTokens?(parts: Parts<Model>, input: Input, options: Options): AsyncGenerator<unknown, void, void>;
}

const DEFAULT_BATCH_SIZE = 8;

type Call<Options> = (input: unknown, options?: Options) => Promise<unknown>;

/** Puts a task and its parts together into a function with the methods of a pipeline. */
export function makePipeline<Input, Result, Options extends CallOptions, Model extends AnyModel>(
  task: Task<Input, Result, Options, Model>,
  parts: Parts<Model>,
  ownsModel: boolean,
): Call<Options> & BasePipeline<Input, Result, Options, Model> {
  let isDisposed = false;
  async function* answers(
    inputs: AsyncIterable<unknown> | Iterable<unknown>,
    options: Options,
    total?: number,
  ): AsyncGenerator<Result, void, void> {
    if (isDisposed) throw disposed(parts.task);
    const answer = task.prepare(parts, options);
    const { signal, batchSize = DEFAULT_BATCH_SIZE, onProgress } = options;
    let done = 0;
    for await (const batch of batches(inputs, batchSize, (input) => task.check(input, parts.task))) {
      signal?.throwIfAborted();
      const results = await answer(batch, done);
      done += batch.length;
      onProgress?.(total === undefined ? { done } : { done, total });
      yield* results;
      // A task that needs no model for a batch lets others have their turn, too.
      await yieldToEvents();
    }
    signal?.throwIfAborted();
  }
  const call: Call<Options> = async (input, options = {} as Options) => {
    if (!task.isOne(input)) {
      const list = checkList(input, parts.task);
      // All are checked before the first is answered.
      const checked = list.map((each) => task.check(each, parts.task));
      return collect(answers(checked, options, checked.length));
    }
    const checked = task.check(input, parts.task);
    const [result] = await collect(answers([checked], options, 1));
    return task.single ? task.single(result!, checked, options) : result;
  };
  const dispose = (): void => {
    if (ownsModel && !isDisposed) parts.model.dispose();
    isDisposed = true;
  };
  const tokenStream = task.streamTokens && {
    streamTokens: (input: unknown, options = {} as Options) => {
      if (isDisposed) throw disposed(parts.task);
      return task.streamTokens!(parts, task.check(input, parts.task), options);
    },
  };
  return Object.assign(call, parts, tokenStream, {
    stream: (inputs: AsyncIterable<Input> | Iterable<Input>, options = {} as Options) =>
      answers(checkStream(inputs, parts.task), options),
    dispose,
    [Symbol.dispose]: dispose,
  });
}

async function collect<T>(values: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const value of values) all.push(value);
  return all;
}

async function* batches<Input>(
  inputs: AsyncIterable<unknown> | Iterable<unknown>,
  size: number,
  check: (input: unknown) => Input,
): AsyncGenerator<Input[], void, void> {
  let batch: Input[] = [];
  for await (const input of inputs) {
    batch.push(check(input));
    if (batch.length < size) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

function checkList(input: unknown, operation: string): readonly unknown[] {
  if (Array.isArray(input)) return input;
  throw new InputError({
    operation,
    expected: 'an input of the task, or a list of them',
    received: shown(input),
    remedy: 'streams go into pipe.stream(inputs)',
  });
}

function checkStream<T>(
  inputs: AsyncIterable<T> | Iterable<T>,
  operation: string,
): AsyncIterable<T> | Iterable<T> {
  const isStream =
    typeof inputs === 'object' &&
    inputs !== null &&
    (Symbol.asyncIterator in inputs || Symbol.iterator in inputs);
  if (isStream) return inputs;
  throw new InputError({
    operation: `${operation}.stream`,
    expected: 'an iterable or an async iterable of inputs',
    received: shown(inputs),
    remedy: 'call the pipeline itself for one input',
  });
}

function disposed(operation: string): InputError {
  return new InputError({
    operation,
    expected: 'a pipeline that is in use',
    received: 'one that was disposed',
    remedy: 'make a new one with pipeline(task)',
  });
}
