/** Where in a context a question is answered: `question-answering`. */
import { InputError } from '@weft/errors';
import type { BasePipeline, Parts, Task } from './call.js';
import { maxTokens, padRows, positionsOf } from './encode.js';
import { readOutputs, rowsOf } from './labels.js';
import type { SpanReader } from './models.js';
import { type CallOptions, checkOptions, count, countFrom0, type Forms, flag, shown } from './options.js';
import { type Question, type Window, windowsOf } from './question-windows.js';
import { type Answer, mergeAnswers, type SpanOptions } from './spans.js';

export interface QuestionAnsweringOptions extends CallOptions {
  /** How many answers, the best first. Default: 1, which gives an answer instead of a list. */
  topK?: number | undefined;
  /** Tokens of a window, the question among them. Default: what the model takes, 384 at most. */
  maxSeqLen?: number | undefined;
  /** How many tokens of the context two windows share. Default: half a window, 128 at most. */
  docStride?: number | undefined;
  /** Tokens of an answer, at most. Default: 15. */
  maxAnswerLen?: number | undefined;
  /** Let the empty answer take part, with the score that the model gives to there being none. Default: false. */
  handleImpossibleAnswer?: boolean | undefined;
  /** Widen answers to whole words. Default: true. */
  alignToWords?: boolean | undefined;
}

type OneAnswer = QuestionAnsweringOptions & { topK?: 1 | undefined };

/** What `pipeline('question-answering')` gives. */
export interface QuestionAnsweringPipeline
  extends BasePipeline<Question, Answer | Answer[], QuestionAnsweringOptions, SpanReader> {
  (question: Question, options?: OneAnswer): Promise<Answer>;
  (questions: readonly Question[], options?: OneAnswer): Promise<Answer[]>;
  /** A list of answers where there is more than one, as transformers has it. */
  (question: Question, options: QuestionAnsweringOptions): Promise<Answer | Answer[]>;
  (questions: readonly Question[], options: QuestionAnsweringOptions): Promise<(Answer | Answer[])[]>;
  stream(
    questions: AsyncIterable<Question> | Iterable<Question>,
    options?: OneAnswer,
  ): AsyncGenerator<Answer, void, void>;
  stream(
    questions: AsyncIterable<Question> | Iterable<Question>,
    options: QuestionAnsweringOptions,
  ): AsyncGenerator<Answer | Answer[], void, void>;
}

const forms: Forms<QuestionAnsweringOptions> = {
  topK: count,
  maxSeqLen: count,
  docStride: countFrom0,
  maxAnswerLen: count,
  handleImpossibleAnswer: flag,
  alignToWords: flag,
};

const MAX_WINDOW = 384;

export const questionAnswering: Task<Question, Answer | Answer[], QuestionAnsweringOptions, SpanReader> = {
  isOne: (input) => !Array.isArray(input),
  check: checkQuestion,
  prepare(parts, options) {
    checkOptions(parts.task, options, forms);
    const { topK = 1, maxAnswerLen = 15, handleImpossibleAnswer = false, alignToWords = true } = options;
    const spans: SpanOptions = { topK, maxAnswerLen, handleImpossibleAnswer, alignToWords };
    const windowSizes = windowSizesOf(parts, options);
    const { batchSize = 8 } = options;
    return async (questions) => {
      const windows = questions.map((question) => windowsOf(parts, question, windowSizes));
      const scores = await read(parts, windows.flat(), batchSize, options.signal);
      let next = 0;
      return questions.map(({ context }, i) => {
        const own = windows[i]!.map((window) => ({ window, ...scores[next++]! }));
        const answers = mergeAnswers(context, own, spans);
        return answers.length === 1 ? answers[0]! : answers;
      });
    };
  },
};

function windowSizesOf(
  { task, tokenizer, model }: Parts<SpanReader>,
  options: QuestionAnsweringOptions,
): { maxSeqLen: number; docStride: number | undefined } {
  const limit = positionsOf(model.config);
  const maxSeqLen = options.maxSeqLen ?? Math.min(maxTokens(tokenizer, model.config), MAX_WINDOW);
  const bad = (expected: string, received: string): InputError =>
    new InputError({ operation: task, expected, received, remedy: 'lower it or leave it out' });
  if (maxSeqLen > limit)
    throw bad(`maxSeqLen of at most ${limit}, all that the model takes`, String(maxSeqLen));
  const { docStride } = options;
  if (docStride !== undefined && docStride > maxSeqLen) {
    throw bad(`docStride of at most maxSeqLen, ${maxSeqLen}`, String(docStride));
  }
  return { maxSeqLen, docStride };
}

interface Scores {
  start: Float32Array;
  end: Float32Array;
}

/** Scores of all windows, each as long as its window, so many windows at a time. */
async function read(
  { model, tokenizer }: Parts<SpanReader>,
  windows: readonly Window[],
  batchSize: number,
  signal: AbortSignal | undefined,
): Promise<Scores[]> {
  const scores: Scores[] = [];
  for (let from = 0; from < windows.length; from += batchSize) {
    signal?.throwIfAborted();
    const batch = windows.slice(from, from + batchSize);
    const tokenTypeIds = batch.flatMap((window) => (window.typeIds ? [window.typeIds] : []));
    const rows = {
      inputIds: batch.map(({ ids }) => ids),
      tokenTypeIds: tokenTypeIds.length > 0 ? tokenTypeIds : undefined,
    };
    const inputs = padRows(rows, tokenizer.padTokenId);
    const [start, end] = await readOutputs(() => model.forward(inputs), ['startLogits', 'endLogits']); // [B, T] each
    const longest = inputs.inputIds[0]!.length;
    const starts = rowsOf(start!, longest);
    const ends = rowsOf(end!, longest);
    batch.forEach(({ ids }, i) => {
      scores.push({ start: starts[i]!.slice(0, ids.length), end: ends[i]!.slice(0, ids.length) });
    });
  }
  return scores;
}

function checkQuestion(input: unknown, operation: string): Question {
  const { question, context } = (
    typeof input === 'object' && input !== null ? input : {}
  ) as Partial<Question>;
  for (const [name, value] of Object.entries({ question, context })) {
    if (typeof value === 'string' && value.trim() !== '') continue;
    throw new InputError({
      operation,
      expected: `{ question, context } with a ${name} that is not empty`,
      received: typeof input === 'object' ? shown(value) : shown(input),
      remedy: `pass a ${name}`,
    });
  }
  return { question: question!, context: context! };
}
