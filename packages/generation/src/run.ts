import type { Choosing } from './choosing.js';
import type { GenerationOptions, ResolvedOptions } from './options.js';
import { buildProcessors, type RowContext } from './processors.js';
import { Random } from './random.js';
import { checkTokens, fail, resolveOptions } from './resolve.js';
import type { DecodingInput, DecodingSession, GenerativeModel } from './session.js';
import { fitSources } from './sources.js';
import { buildStopping, type StoppingCriterion } from './stopping.js';
import { buildWarpers } from './warpers.js';

/** One row of a batch as it grows. */
export interface Row extends RowContext {
  tokens: number[];
  random: Random;
  done: boolean;
}

/** Everything that a strategy needs beside the session. */
export interface Run {
  options: ResolvedOptions;
  /** What a session is started with, one row a prompt. */
  input: DecodingInput;
  /** What the session is fed first: the prompts, or the decoder's start of an encoder-decoder. */
  prompts: number[][];
  promptLength: number;
  choosing: Choosing;
  isDone: StoppingCriterion;
  seed: number;
}

type Ids = readonly (readonly number[])[];

export function prepare(model: GenerativeModel, inputIds: Ids, given: GenerationOptions): Run {
  checkRows(inputIds, 'inputIds');
  const longest = Math.max(...inputIds.map(({ length }) => length));
  const start = model.isEncoderDecoder ? decoderStarts(model, inputIds.length, given) : undefined;
  const options = resolveOptions(model, given, start ? start[0]!.length : longest);
  const input = model.isEncoderDecoder
    ? padAll(
        fitSources({ inputIds, attentionMask: maskOf(inputIds, options) }, options, model),
        options,
        padRight,
      )
    : padAll({ inputIds, attentionMask: maskOf(inputIds, options) }, options, padLeft);
  const prompts = start ?? input.inputIds.map((row) => [...row]);
  const promptLength = prompts[0]!.length;
  return {
    options,
    input,
    prompts,
    promptLength,
    choosing: {
      processors: buildProcessors(options, promptLength, input.inputIds),
      warpers: options.doSample ? buildWarpers(options) : undefined,
      renormalize: options.renormalizeLogits ?? false,
    },
    isDone: buildStopping(options),
    seed: options.seed ?? Math.floor(Math.random() * 2 ** 32),
  };
}

/** Rows of one length, that of the longest. */
function padAll(
  { inputIds, attentionMask }: DecodingInput,
  { padTokenId }: ResolvedOptions,
  pad: typeof padRight,
): DecodingInput {
  const longest = Math.max(...inputIds.map(({ length }) => length));
  return {
    inputIds: inputIds.map((row) => pad(row, longest, padTokenId)),
    attentionMask: attentionMask.map((row) => pad(row, longest, 0)),
  };
}

/** Starts the model on the run's input. The caller disposes the session. */
export function startSession(model: GenerativeModel, { input, options, prompts }: Run): DecodingSession {
  options.signal?.throwIfAborted();
  const session = model.startDecoding(input);
  try {
    checkTokens(options, session.vocabSize);
    const wrong = prompts.flat().find((id) => id >= session.vocabSize);
    if (wrong !== undefined) {
      fail(
        `tokens below the vocabulary's size, ${session.vocabSize}`,
        `${wrong}`,
        "use the model's own tokenizer",
      );
    }
  } catch (error) {
    session.dispose();
    throw error;
  }
  return session;
}

/** The rows of sampling and greedy decoding: each return sequence of a prompt is one. */
export function startRows({ prompts, promptLength, options, seed }: Run): Row[] {
  const copies = options.numBeams > 1 ? 1 : options.numReturnSequences;
  return prompts.flatMap((prompt, promptIndex) =>
    Array.from({ length: copies }, (_, copy) => ({
      tokens: [...prompt],
      promptLength,
      promptIndex,
      random: new Random(seed, promptIndex * copies + copy),
      done: false,
    })),
  );
}

function checkRows(rows: Ids, name: string): void {
  const form = `${name} to be lists of token ids, one a prompt, none of them empty`;
  if (!Array.isArray(rows)) fail(form, typeof rows, 'pass number[][], as encodeBatch gives it');
  if (rows.length === 0) fail(form, 'no prompt', 'pass at least one prompt');
  for (const [i, row] of rows.entries()) {
    if (!Array.isArray(row)) fail(form, `${typeof row} at ${i}`, 'pass number[][], as encodeBatch gives it');
    if (row.length === 0) {
      fail(form, `an empty prompt at ${i}`, 'begin with the beginning-of-text token where there is no text');
    }
    const wrong = row.find((id) => !Number.isInteger(id) || id < 0);
    if (wrong !== undefined) fail(form, `${wrong} in row ${i}`, 'token ids are whole numbers from 0');
  }
}

/** The decoder's prompts: the start token, before the caller's tokens where none of them begins with it. */
function decoderStarts(model: GenerativeModel, count: number, given: GenerationOptions): number[][] {
  const { decoderStartTokenId, bosTokenId } = { ...model.generationDefaults, ...given };
  const start = decoderStartTokenId ?? bosTokenId;
  if (start === undefined || start === null) {
    fail(
      'decoderStartTokenId or bosTokenId of an encoder-decoder, in the options or the configuration',
      'neither',
      'pass decoderStartTokenId',
    );
  }
  const { decoderInputIds: ids } = given;
  if (!ids) return Array.from({ length: count }, () => [start]);
  checkRows(ids, 'decoderInputIds');
  if (ids.length !== count || ids.some(({ length }) => length !== ids[0]!.length)) {
    const received = `${ids.length} of lengths ${ids.map(({ length }) => length).join(', ')}`;
    fail(`${count} decoderInputIds of one length`, received, 'give each source a prompt of the same length');
  }
  return ids.every((row) => row[0] !== start)
    ? ids.map((row) => [start, ...row])
    : ids.map((row) => [...row]);
}

/** The caller's mask; without one, pad tokens do not count. */
function maskOf(inputIds: Ids, options: ResolvedOptions): number[][] {
  const { attentionMask, maskedTokenId } = options;
  if (!attentionMask) return inputIds.map((row) => row.map((id) => (id === maskedTokenId ? 0 : 1)));
  if (
    attentionMask.length !== inputIds.length ||
    attentionMask.some((row, i) => row.length !== inputIds[i]!.length)
  ) {
    fail(
      `an attentionMask of the form of inputIds, lengths ${inputIds.map(({ length }) => length).join(', ')}`,
      `lengths ${attentionMask.map(({ length }) => length).join(', ')}`,
      'pass what the tokenizer gave beside the ids',
    );
  }
  return attentionMask.map((row) => [...row]);
}

function padLeft(row: readonly number[], length: number, fill: number): number[] {
  return [...new Array<number>(length - row.length).fill(fill), ...row];
}

/** Fills a row up to `length` on the right. */
export function padRight(row: readonly number[], length: number, fill: number): number[] {
  return [...row, ...new Array<number>(length - row.length).fill(fill)];
}
