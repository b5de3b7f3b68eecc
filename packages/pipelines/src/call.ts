import { setImmediate as yieldToEvents } from 'node:timers/promises';
import { InputError } from '@weft/errors';
import type { Tokenizer } from '@weft/tokenizer';
import { batches } from './batches.js';
import { type CallOptions, shown } from './options.js';
import { Tenancy } from './tenancy.js';

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
  /** Who answers: the hub id or the folder, or the name of one of weft's own small models. */
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
  /**
   * How long an input is, where its place among others does not matter: those of a list go through the model with others
   * of their size then.
   */
  sizeOf?(input: Input): number;
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
  const release = (): void => {
    if (ownsModel) parts.model.dispose();
  };
  const tenancy = new Tenancy(release, () => disposed(parts.task));
  const check = (input: unknown): Input => task.check(input, parts.task);
  async function* answers(
    inputs: AsyncIterable<unknown> | Iterable<unknown>,
    options: Options,
    total?: number,
  ): AsyncGenerator<Result, void, void> {
    tenancy.check();
    const answer = task.prepare(parts, options);
    const { signal, batchSize = DEFAULT_BATCH_SIZE, onProgress } = options;
    let done = 0;
    for await (const batch of batches(inputs, batchSize, check, signal)) {
      signal?.throwIfAborted();
      const results = await tenancy.during(() => answer(batch, done));
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
      // All are checked before the first is answered.
      const list = checkList(input, parts.task).map(check);
      const order = orderOf(task, list);
      const sorted = order.map((place) => list[place]!);
      const results: Result[] = new Array(list.length);
      let next = 0;
      for await (const result of answers(sorted, options, list.length)) results[order[next++]!] = result;
      return results;
    }
    const checked = check(input);
    const [result] = await collect(answers([checked], options, 1));
    return task.single ? task.single(result!, checked, options) : result;
  };
  async function* tokens(input: unknown, options: Options): AsyncGenerator<unknown, void, void> {
    tenancy.check();
    const steps = task.streamTokens!(parts, check(input), options);
    try {
      for (;;) {
        const { done, value } = await tenancy.during(() => steps.next());
        if (done) return;
        yield value;
      }
    } finally {
      await steps.return();
    }
  }
  const tokenStream = task.streamTokens && {
    streamTokens: (input: unknown, options = {} as Options) => tokens(input, options),
  };
  const dispose = (): void => tenancy.end();
  return Object.assign(call, parts, tokenStream, {
    stream: (inputs: AsyncIterable<Input> | Iterable<Input>, options = {} as Options) =>
      answers(checkStream(inputs, parts.task), options),
    dispose,
    [Symbol.dispose]: dispose,
  });
}

/** The places of a list's inputs, those of like size beside each other: a batch then needs little padding. */
function orderOf<Input>({ sizeOf }: { sizeOf?: (input: Input) => number }, list: readonly Input[]): number[] {
  const places = [...list.keys()];
  if (!sizeOf) return places;
  const sizes = list.map(sizeOf);
  return places.sort((a, b) => sizes[b]! - sizes[a]!);
}

async function collect<T>(values: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const value of values) all.push(value);
  return all;
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
