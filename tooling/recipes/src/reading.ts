import type { Tokenizer } from '@weft/tokenizer';
import type { TokenizedExample } from '@weft/trainer';
import type { SquadFile } from './squad.js';

/** A question on a context; its answer as the first and the last character, in UTF-16. */
export interface ReadingQuestion {
  question: string;
  context: string;
  answer?: readonly [first: number, last: number];
}

/** A question and as much of its context as a model reads at a time. */
export interface ReadingWindow extends ReadingQuestion {
  example: TokenizedExample;
  /** For each token of the context where it begins and ends there; undefined for all others. */
  places: readonly (readonly [start: number, end: number] | undefined)[];
}

/** What is known of the first, or the last, character of an answer: [character, probability], the rest is "not here". */
export type SoftPlace = readonly (readonly [character: number, probability: number])[];

/** The questions of a file, each with the first of its answers. */
export function readingQuestions({ data }: SquadFile): ReadingQuestion[] {
  return data.flatMap(({ paragraphs }) =>
    paragraphs.flatMap(({ context, qas }) => {
      // Answers are counted in code points.
      const points = [...context];
      return qas.map(({ question, answers: [found] }): ReadingQuestion => {
        if (!found) return { question, context };
        const first = points.slice(0, found.answer_start).join('').length;
        return { question, context, answer: [first, first + found.text.length - 1] };
      });
    }),
  );
}

export function readingWindows(
  tokenizer: Tokenizer,
  questions: readonly ReadingQuestion[],
  { maxLength, stride }: { maxLength: number; stride: number },
): ReadingWindow[] {
  const encoded = tokenizer.encodeBatch(
    questions.map(({ question }) => question.trimStart()),
    {
      textPairs: questions.map(({ context }) => context),
      ...{ truncation: 'only_second' as const, maxLength, stride },
      ...{ returnOverflowingTokens: true, returnOffsetsMapping: true, returnSequenceIds: true },
    },
  );
  return encoded.inputIds.map((inputIds, w) => ({
    ...questions[encoded.overflowToSampleMapping![w]!]!,
    example: {
      inputIds,
      attentionMask: encoded.attentionMask[w]!,
      tokenTypeIds: encoded.tokenTypeIds![w]!,
    },
    places: encoded.offsetsMapping![w]!.map((place, t) =>
      encoded.sequenceIds![w]![t] === 1 ? place : undefined,
    ),
  }));
}

/** The part of its context that a window shows, and where that begins. */
export function shownText({ context, places }: ReadingWindow): { text: string; start: number } {
  const shown = places.filter((place) => place !== undefined);
  const start = shown[0]?.[0] ?? 0;
  return { text: context.slice(start, shown.at(-1)?.[1] ?? start), start };
}

/** The probability of each token, from those of characters; the first token, [CLS], stands for "not here". */
export function tokenTargets({ places }: Pick<ReadingWindow, 'places'>, soft: SoftPlace): number[] {
  const targets = new Array<number>(places.length).fill(0);
  let rest = 1;
  for (const [character, probability] of soft) {
    const token = places.findIndex(
      (place) => place !== undefined && place[0] <= character && character < place[1],
    );
    if (token < 0) continue;
    targets[token]! += probability;
    rest -= probability;
  }
  targets[0]! += Math.max(0, rest);
  return targets;
}

/** The likeliest `count` places of a model's logits over a window's tokens. */
export function softPlace(
  { places }: Pick<ReadingWindow, 'places'>,
  logits: Float32Array,
  side: 'first' | 'last',
  count: number,
): [number, number][] {
  const most = logits.reduce((a, b) => Math.max(a, b));
  const weights = Array.from(logits, (logit) => Math.exp(logit - most));
  const sum = weights.reduce((a, b) => a + b);
  return places
    .flatMap((place, t): [number, number][] =>
      place ? [[side === 'first' ? place[0] : place[1] - 1, weights[t]! / sum]] : [],
    )
    .sort(([, a], [, b]) => b - a)
    .slice(0, count)
    .map(([character, probability]) => [character, Number(probability.toPrecision(3))]);
}
