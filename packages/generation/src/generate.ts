import { setImmediate as yieldToEvents } from 'node:timers/promises';
import { GenerationError } from '@weft/errors';
import { assistedStep, type Proposer, promptLookup, withAssistant } from './assisted.js';
import { beamSearch } from './beam-search.js';
import { argMax, logSoftmax } from './numeric.js';
import { type GenerationOptions, type ResolvedOptions, resolveOptions } from './options.js';
import { buildProcessors, type LogitsProcessor } from './processors.js';
import { Random, sample } from './random.js';
import type { DecodingSession, GenerativeModel } from './session.js';
import { buildStopping } from './stopping.js';
import { buildWarpers } from './warpers.js';

export interface GenerateOutput {
  /** One a prompt and return sequence: prompt and new tokens; rows that end early are filled with the pad token. */
  sequences: number[][];
  /** Of beam search: each sequence's log-probability over its length, by the length penalty. */
  sequencesScores?: number[];
  /** With `outputScores`: per step, the processed scores of all rows, [rows * vocabSize]. */
  scores?: Float32Array[];
}

/** New tokens of one step, one a row; undefined for rows that are done. */
export interface StreamStep {
  tokens: (number | undefined)[];
}

/**
 * Generates from a batch of prompts: greedy, sampling, beam search, assisted, as the options ask. Prompts of
 * different lengths are padded on the left. Gives the event loop a turn between tokens and stops within one
 * token of `signal`.
 *
 * @throws GenerationError when the options contradict each other or the model; the signal's reason when aborted
 */
export async function generate(
  model: GenerativeModel,
  inputIds: readonly (readonly number[])[],
  options: GenerationOptions = {},
): Promise<GenerateOutput> {
  const run = prepare(model, inputIds, options);
  const session = model.startDecoding({ inputIds: run.sources, attentionMask: run.attentionMask });
  try {
    if ((run.options.numBeams ?? 1) > 1) return await beamSearch(session, run);
    const scores: Float32Array[] = [];
    const rows = run.prompts.map((prompt) => [...prompt]);
    for await (const _ of decode(session, run, rows, scores));
    return {
      sequences: padRight(rows, run.options.padTokenId),
      ...(run.options.outputScores ? { scores } : {}),
    };
  } finally {
    session.dispose();
  }
}

/**
 * The same, token by token. Breaking out of the loop stops the work.
 *
 * @throws GenerationError for beam search, whose tokens are not settled until its end
 */
export async function* generateStream(
  model: GenerativeModel,
  inputIds: readonly (readonly number[])[],
  options: GenerationOptions = {},
): AsyncGenerator<StreamStep, void, void> {
  const run = prepare(model, inputIds, options);
  if ((run.options.numBeams ?? 1) > 1) {
    throw new GenerationError({
      operation: 'generateStream',
      expected: 'greedy decoding or sampling',
      received: `${run.options.numBeams} beams`,
      remedy: 'call generate for beam search: its tokens are not settled until its end',
    });
  }
  const session = model.startDecoding({ inputIds: run.sources, attentionMask: run.attentionMask });
  try {
    yield* decode(
      session,
      run,
      run.prompts.map((prompt) => [...prompt]),
    );
  } finally {
    session.dispose();
  }
}

/** Everything that a strategy needs beside the session. */
export interface Run {
  options: ResolvedOptions;
  /** What the session is started with. */
  sources: number[][];
  attentionMask: number[][];
  /** What the session is fed first: the prompts, or the decoder's start of an encoder-decoder. */
  prompts: number[][];
  promptLength: number;
  processors: LogitsProcessor[];
  warpers: LogitsProcessor[];
  random: Random;
  proposer?: Proposer;
}

function prepare(
  model: GenerativeModel,
  inputIds: readonly (readonly number[])[],
  given: GenerationOptions,
): Run {
  if (inputIds.length === 0 || inputIds.some((row) => row.length === 0)) {
    throw new GenerationError({
      operation: 'generate',
      expected: 'at least one prompt, each with at least one token',
      received: inputIds.length === 0 ? 'no prompt' : 'an empty prompt',
      remedy: 'begin with the beginning-of-text token where there is no text',
    });
  }
  const longest = Math.max(...inputIds.map(({ length }) => length));
  const decoderLength = given.decoderInputIds?.[0]?.length ?? 1;
  const options = resolveOptions(model, given, model.isEncoderDecoder ? decoderLength : longest);
  // Every return sequence of sampling is a row of its own; beams come from one row each.
  const copies = (options.numBeams ?? 1) > 1 ? 1 : (options.numReturnSequences ?? 1);
  const padded = inputIds.map((row) => padLeft(row, longest, options.padTokenId));
  const masks = inputIds.map((row, i) => padLeft(options.attentionMask?.[i] ?? row.map(() => 1), longest, 0));
  const starts = model.isEncoderDecoder
    ? inputIds.map((_, i) => [...(options.decoderInputIds?.[i] ?? [startToken(options)])])
    : padded;
  const promptLength = starts[0]!.length;
  const repeat = (rows: number[][]): number[][] =>
    rows.flatMap((row) => Array.from({ length: copies }, () => row));
  const proposer = options.assistantModel
    ? withAssistant(options.assistantModel, options)
    : options.promptLookupNumTokens
      ? promptLookup(options)
      : undefined;
  return {
    options,
    sources: repeat(padded),
    attentionMask: repeat(masks),
    prompts: repeat(starts),
    promptLength,
    processors: buildProcessors(options, promptLength),
    warpers: options.doSample ? buildWarpers(options) : [],
    random: new Random(options.seed ?? 0),
    ...(proposer ? { proposer } : {}),
  };
}

function startToken({ decoderStartTokenId, bosTokenId }: ResolvedOptions): number {
  const token = decoderStartTokenId ?? bosTokenId;
  if (token !== undefined) return token;
  throw new GenerationError({
    operation: 'generate',
    expected: 'decoderStartTokenId in the options or the configuration of an encoder-decoder',
    received: 'none',
    remedy: 'pass decoderStartTokenId',
  });
}

async function* decode(
  session: DecodingSession,
  run: Run,
  rows: number[][],
  kept?: Float32Array[],
): AsyncGenerator<StreamStep, void, void> {
  const { options, promptLength } = run;
  if (run.proposer && rows.length === 1) return yield* assisted(session, run, rows[0]!);
  const isDone = buildStopping(options);
  const done = rows.map(() => false);
  let feed: number[][] = run.prompts;
  while (done.includes(false)) {
    options.signal?.throwIfAborted();
    const logits = session.step(feed);
    if (options.outputScores) kept?.push(new Float32Array(logits.length));
    const tokens = rows.map((row, i) => {
      if (done[i]) return undefined;
      const scores = logits.subarray(i * session.vocabSize, (i + 1) * session.vocabSize);
      const token = chooseToken(scores, row, run);
      if (options.outputScores) kept?.at(-1)?.set(scores, i * session.vocabSize);
      row.push(token);
      done[i] = isDone({ tokens: row, promptLength });
      return token;
    });
    yield { tokens };
    feed = tokens.map((token) => [token ?? options.padTokenId]);
    await yieldToEvents();
  }
}

/** Runs processors and filters over a row's scores, in place, and takes or draws its next token. */
export function chooseToken(scores: Float32Array, tokens: readonly number[], run: Run): number {
  const context = { tokens, promptLength: run.promptLength };
  for (const process of run.processors) process(scores, context);
  for (const warp of run.warpers) warp(scores, context);
  if (run.options.renormalizeLogits) logSoftmax(scores);
  return run.options.doSample ? sample(scores, run.random) : argMax(scores);
}

async function* assisted(
  session: DecodingSession,
  run: Run,
  row: number[],
): AsyncGenerator<StreamStep, void, void> {
  const { options, promptLength } = run;
  const isDone = buildStopping(options);
  let fed = 0;
  try {
    for (;;) {
      options.signal?.throwIfAborted();
      const accepted = assistedStep(session, run, row, fed);
      fed = session.length;
      for (const token of accepted) {
        row.push(token);
        yield { tokens: [token] };
        if (isDone({ tokens: row, promptLength })) return;
      }
      await yieldToEvents();
    }
  } finally {
    run.proposer!.dispose();
  }
}

function padLeft(row: readonly number[], length: number, fill: number): number[] {
  return [...Array.from({ length: length - row.length }, () => fill), ...row];
}

function padRight(rows: readonly number[][], fill: number): number[][] {
  const longest = Math.max(...rows.map(({ length }) => length));
  return rows.map((row) => [...row, ...Array.from({ length: longest - row.length }, () => fill)]);
}
