import { GenerationError } from '@weft/errors';
import { assisted } from './assisted.js';
import { beamSearch } from './beam-search.js';
import { decode, type Kept, type StreamStep, sequencesOf } from './decode.js';
import type { GenerationOptions } from './options.js';
import { fail } from './resolve.js';
import { prepare, type Row, type Run, startRows, startSession } from './run.js';
import type { DecodingSession, GenerativeModel } from './session.js';

export interface GenerateOutput {
  /** One a prompt and return sequence: prompt and new tokens; rows that end early are filled with the pad token. */
  sequences: number[][];
  /** Of beam search: each sequence's log-probability over its length, by the length penalty. */
  sequencesScores?: number[];
  /** Of beam search: per sequence and new token, the row (prompt * numBeams + beam) that it went on from. */
  beamIndices?: number[][];
  /** With `outputScores`: per step, the processed scores of all rows, [rows * vocabSize]. */
  scores?: Float32Array[];
  /** With `outputLogits`: per step, the model's logits of all rows, [rows * vocabSize]. */
  logits?: Float32Array[];
}

/**
 * Generates from a batch of prompts: greedy, sampling, beam search, assisted, as the options ask. Prompts of
 * different lengths are padded, on the left for causal models. Gives the event loop a turn between tokens and stops
 * within one token of `signal`.
 *
 * @param inputIds - one list of token ids a prompt, or a source for encoder-decoders
 * @throws GenerationError when the options contradict each other or the model; the signal's reason when aborted
 *
 * @example
 * ```ts
 * import { type DecodingSession, type GenerativeModel, generate } from '@weft/generation';
 *
 * // A model over ten tokens that counts: after token t it expects t + 1.
 * class Counting implements DecodingSession {
 *   readonly vocabSize = 10;
 *   length = 0;
 *   constructor(readonly batchSize: number) {}
 *   step(tokens: readonly (readonly number[])[]): Float32Array {
 *     this.length += tokens[0]!.length;
 *     const logits = new Float32Array(tokens.length * 10);
 *     tokens.forEach((row, i) => { logits[i * 10 + ((row.at(-1)! + 1) % 10)] = 5; });
 *     return logits;
 *   }
 *   reorder(): void {}
 *   crop(length: number): void { this.length = length; }
 *   dispose(): void {}
 * }
 * const model: GenerativeModel = {
 *   isEncoderDecoder: false,
 *   generationDefaults: { eosTokenId: 9 },
 *   startDecoding: ({ inputIds }) => new Counting(inputIds.length),
 * };
 *
 * const { sequences } = await generate(model, [[3, 4], [7]]);
 * console.assert(sequences[0]!.join() === '3,4,5,6,7,8,9');
 * console.assert(sequences[1]!.join() === '9,7,8,9,9,9,9'); // padded on both sides with the end token
 * ```
 */
export async function generate(
  model: GenerativeModel,
  inputIds: readonly (readonly number[])[],
  options: GenerationOptions = {},
): Promise<GenerateOutput> {
  const run = prepare(model, inputIds, options);
  const session = startSession(model, run);
  try {
    if (run.options.numBeams > 1) return await beamSearch(session, run);
    const rows = startRows(run);
    const kept: Kept = { scores: [], logits: [] };
    for await (const _ of steps(session, run, rows, kept));
    return {
      sequences: sequencesOf(rows, run.options.padTokenId),
      ...(run.options.outputScores ? { scores: kept.scores } : {}),
      ...(run.options.outputLogits ? { logits: kept.logits } : {}),
    };
  } finally {
    session.dispose();
  }
}

/**
 * The same, token by token. Breaking out of the loop stops the work and frees the session.
 *
 * @throws GenerationError for beam search, whose tokens are not settled until its end
 *
 * @example
 * ```ts no-run
 * for await (const { tokens } of generateStream(model, [ids], { maxNewTokens: 50, signal })) {
 *   process.stdout.write(decoder.push(tokens[0]!));
 * }
 * ```
 */
export async function* generateStream(
  model: GenerativeModel,
  inputIds: readonly (readonly number[])[],
  options: GenerationOptions = {},
): AsyncGenerator<StreamStep, void, void> {
  const run = prepare(model, inputIds, { ...options, outputScores: false, outputLogits: false });
  if (run.options.numBeams > 1) {
    throw new GenerationError({
      operation: 'generateStream',
      expected: 'greedy decoding or sampling',
      received: `${run.options.numBeams} beams`,
      remedy: 'call generate for beam search: its tokens are not settled until its end',
    });
  }
  const session = startSession(model, run);
  try {
    yield* steps(session, run, startRows(run), { scores: [], logits: [] });
  } finally {
    session.dispose();
  }
}

function steps(
  session: DecodingSession,
  run: Run,
  rows: readonly Row[],
  kept: Kept,
): AsyncGenerator<StreamStep, void, void> {
  const { assistantModel, promptLookupNumTokens } = run.options;
  if (!assistantModel && promptLookupNumTokens === undefined) return decode(session, run, rows, kept);
  if (rows.length === 1) return assisted(session, run, rows[0]!, kept);
  return fail(
    'one prompt and one return sequence for assisted decoding',
    `${rows.length} rows`,
    'generate them one by one',
  );
}
