import type { Tokenizer } from '@weft/tokenizer';
import type { TokenizedExample } from '@weft/trainer';
import type { Answer, Question } from '../data/squad.js';

/** Tokens of a question beyond these are cut: a context must have room beside it. */
const longestQuestion = 64;

/** One window of a context, with its question before it. */
export interface Window {
  example: TokenizedExample;
  /** Which question it is of. */
  question: number;
  /** Where each token stands in the context; undefined for those of the question and special ones. */
  places: ([start: number, end: number] | undefined)[];
}

export interface WindowOptions {
  maxLength: number;
  stride: number;
}

/**
 * Questions as windows over their contexts, each with the first and last token of an answer; [CLS] stands for "not
 * in this window".
 */
export function questionWindows(
  tokenizer: Tokenizer,
  questions: readonly Pick<Question, 'question' | 'context' | 'answers'>[],
  { maxLength, stride }: WindowOptions,
): Window[] {
  const encoded = tokenizer.encodeBatch(
    questions.map(({ question }) => shorten(tokenizer, question.trimStart())),
    {
      textPairs: questions.map(({ context }) => context),
      truncation: 'only_second',
      maxLength,
      stride,
      returnOverflowingTokens: true,
      returnOffsetsMapping: true,
      returnSequenceIds: true,
    },
  );
  return encoded.inputIds.map((inputIds, w) => {
    const question = encoded.overflowToSampleMapping![w]!;
    const places = encoded.offsetsMapping![w]!.map((place, token) =>
      encoded.sequenceIds![w]![token] === 1 ? place : undefined,
    );
    const cls = Math.max(0, inputIds.indexOf(tokenizer.clsTokenId ?? -1));
    const span = spanOf(questions[question]!.answers[0], places);
    const example: TokenizedExample = {
      inputIds,
      attentionMask: encoded.attentionMask[w]!,
      ...(encoded.tokenTypeIds ? { tokenTypeIds: encoded.tokenTypeIds[w]! } : {}),
      startPositions: span?.[0] ?? cls,
      endPositions: span?.[1] ?? cls,
    };
    return { example, question, places };
  });
}

function shorten(tokenizer: Tokenizer, question: string): string {
  const { offsetsMapping } = tokenizer.encode(question, {
    addSpecialTokens: false,
    returnOffsetsMapping: true,
  });
  return offsetsMapping!.length <= longestQuestion
    ? question
    : question.slice(0, offsetsMapping![longestQuestion - 1]![1]);
}

/** First and last token of an answer, where the whole of it is in the window. */
function spanOf(answer: Answer | undefined, places: Window['places']): [number, number] | undefined {
  if (answer === undefined) return undefined;
  const end = answer.start + answer.text.length;
  const within = (place: [number, number] | undefined): place is [number, number] => place !== undefined;
  const first = places.find(within);
  const last = places.findLast(within);
  if (!first || !last || first[0] > answer.start || last[1] < end) return undefined;
  const from = places.findLastIndex((place) => place !== undefined && place[0] <= answer.start);
  const to = places.findIndex((place) => place !== undefined && place[1] >= end);
  return from <= to ? [from, to] : undefined;
}

export interface FoundAnswer {
  /** Empty where the model finds none. */
  text: string;
  start: number;
  end: number;
  /** Of its tokens' probabilities, as the question-answering pipeline has it. */
  score: number;
}

export interface AnswerOptions {
  /** Whether "there is no answer" is an answer. */
  allowsNone: boolean;
  maxAnswerTokens: number;
}

/** How many first and last tokens are tried with each other in a window. */
const candidates = 20;

/**
 * The best answer over a question's windows, by the sum of its first and last token's logits; none, where that is
 * allowed and [CLS] is likelier in each window.
 */
export function bestAnswer(
  context: string,
  windows: readonly Window[],
  logits: readonly { start: ArrayLike<number>; end: ArrayLike<number> }[],
  { allowsNone, maxAnswerTokens }: AnswerOptions,
): FoundAnswer {
  let best: { from: number; to: number; value: number; window: number } | undefined;
  let none = Number.POSITIVE_INFINITY;
  windows.forEach(({ places }, w) => {
    const { start, end } = logits[w]!;
    none = Math.min(none, start[0]! + end[0]!);
    const firsts = highest(start, places);
    const lasts = highest(end, places);
    for (const from of firsts) {
      for (const to of lasts) {
        if (to < from || to - from + 1 > maxAnswerTokens) continue;
        const value = start[from]! + end[to]!;
        if (best === undefined || value > best.value) best = { from, to, value, window: w };
      }
    }
  });
  if (best === undefined || (allowsNone && none > best.value))
    return { text: '', start: 0, end: 0, score: 0 };
  const { places } = windows[best.window]!;
  const [start, end] = [places[best.from]![0], places[best.to]![1]];
  const { start: starts, end: ends } = logits[best.window]!;
  const length = places.length;
  const score = probability(starts, best.from, length) * probability(ends, best.to, length);
  return { text: context.slice(start, end), start, end, score };
}

/** Tokens of the context with the highest logits. */
function highest(logits: ArrayLike<number>, places: Window['places']): number[] {
  const tokens = places.flatMap((place, token) => (place === undefined ? [] : [token]));
  return tokens.sort((a, b) => logits[b]! - logits[a]!).slice(0, candidates);
}

function probability(logits: ArrayLike<number>, at: number, length: number): number {
  let most = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < length; i++) most = Math.max(most, logits[i]!);
  let sum = 0;
  for (let i = 0; i < length; i++) sum += Math.exp(logits[i]! - most);
  return Math.exp(logits[at]! - most) / sum;
}
