/** From scores of first and last tokens to answers, as transformers has it. */
import { softmax } from './labels.js';
import type { Window } from './question-windows.js';

export interface Answer {
  /** The probability; several stretches of the same text add up. */
  score: number;
  /** UTF-16 places in the context: `context.slice(start, end)` is the answer. */
  start: number;
  end: number;
  answer: string;
}

export interface SpanOptions {
  topK: number;
  maxAnswerLen: number;
  handleImpossibleAnswer: boolean;
  alignToWords: boolean;
}

interface ScoredWindow {
  window: Window;
  /** The model's numbers, one a token. */
  start: Float32Array;
  end: Float32Array;
}

/** What the numbers of forbidden tokens become: no probability is left to them. */
const FORBIDDEN = -10000;

/** The best answers over all windows of a question, the best first. Answers of the same text are one. */
export function mergeAnswers(
  context: string,
  windows: readonly ScoredWindow[],
  { topK, maxAnswerLen, handleImpossibleAnswer, alignToWords }: SpanOptions,
): Answer[] {
  const answers: Answer[] = [];
  const byText = new Map<string, Answer>();
  let nullScore = Number.POSITIVE_INFINITY;
  // Aligned to words, several candidates may become one.
  const candidates = alignToWords ? topK * 2 + 10 : topK;
  for (const { window, start, end } of windows) {
    const starts = probabilities(start, window);
    const ends = probabilities(end, window);
    nullScore = Math.min(nullScore, starts[0]! * ends[0]!);
    starts[0] = 0;
    ends[0] = 0;
    for (const span of bestSpans(starts, ends, window, candidates, maxAnswerLen)) {
      const [from, to] = placeOf(window, span, alignToWords);
      const answer = context.slice(from, to);
      const known = byText.get(answer.toLowerCase());
      if (known) {
        known.score += span.score;
        continue;
      }
      const made = { score: span.score, start: from, end: to, answer };
      answers.push(made);
      byText.set(answer.toLowerCase(), made);
    }
  }
  if (handleImpossibleAnswer) answers.push({ score: nullScore, start: 0, end: 0, answer: '' });
  if (answers.length === 0) return [{ score: 0, start: 0, end: 0, answer: '' }];
  return answers.sort((a, b) => b.score - a.score).slice(0, topK);
}

function probabilities(logits: Float32Array, { isAllowed }: Window): Float64Array {
  return softmax(Float64Array.from(logits, (logit, t) => (isAllowed[t] ? logit : FORBIDDEN)));
}

interface Span {
  first: number;
  last: number;
  score: number;
}

/** The spans of at most `maxLength` tokens with the highest products, falling. Impossible ones are left out. */
function bestSpans(
  starts: Float64Array,
  ends: Float64Array,
  { isAllowed }: Window,
  count: number,
  maxLength: number,
): Span[] {
  const best: Span[] = [];
  for (let first = 0; first < starts.length; first++) {
    if (!isAllowed[first] || starts[first] === 0) continue;
    for (let last = first; last < Math.min(first + maxLength, ends.length); last++) {
      const score = starts[first]! * ends[last]!;
      if (score === 0 || !isAllowed[last]) continue;
      if (best.length === count && score <= best[count - 1]!.score) continue;
      let place = best.length === count ? count - 1 : best.length;
      while (place > 0 && score > best[place - 1]!.score) {
        best[place] = best[place - 1]!;
        place--;
      }
      best[place] = { first, last, score };
    }
  }
  return best;
}

/** Where a span stands in the context; whole words where the tokenizer knows of words. */
function placeOf(window: Window, { first, last }: Span, alignToWords: boolean): [number, number] {
  const { offsets } = window;
  const firstWord = alignToWords ? wordPlace(window, first) : undefined;
  const lastWord = alignToWords ? wordPlace(window, last) : undefined;
  if (firstWord && lastWord) return [firstWord[0], lastWord[1]];
  return [offsets[first]![0], offsets[last]![1]];
}

/** The place of the word that a token is of, as far as it stands in this window. */
function wordPlace({ words, isContext, offsets }: Window, token: number): [number, number] | undefined {
  const word = words[token];
  if (word === null || word === undefined) return undefined;
  const isOfWord = (_: unknown, t: number): boolean => isContext[t]! && words[t] === word;
  const from = offsets.findIndex(isOfWord);
  const to = offsets.findLastIndex(isOfWord);
  return from < 0 ? undefined : [offsets[from]![0], offsets[to]![1]];
}
