import type { SquadFile } from './squad.js';

/** Words that questions and answers of all kinds have. */
const common = new Set(
  `a an the of in on at to for from by with and or but as is are was were be been being it its this that these those
  he she they his her their him them i you we my your our who whom whose what which when where why how do does did
  has have had not no so than then there into out up down over about after before if can could will would may might
  must should much many`.split(/\s+/),
);

interface Word {
  text: string;
  start: number;
  end: number;
}

/** How far, in words, a word of the question counts for a span. */
const REACH = 10;

/**
 * Finds an answer without having learnt anything, after the sliding window of "MCTest" (Richardson et al. 2013) as
 * SQuAD's first baseline has it: of all runs of words that are neither common nor in the question, the one with the
 * most of the question's words around it, rare words counting more and near ones more than far ones.
 */
export function overlapAnswer(question: string, context: string): string {
  const words = wordsOf(context);
  const asked = new Set(
    wordsOf(question)
      .map(({ text }) => text)
      .filter((text) => !common.has(text)),
  );
  const counts = new Map<string, number>();
  for (const { text } of words) counts.set(text, (counts.get(text) ?? 0) + 1);
  const found = words.flatMap(({ text }, at) =>
    asked.has(text) ? [{ at, weight: Math.log(1 + 1 / counts.get(text)!) }] : [],
  );
  let best: { score: number; answer: string } = { score: -1, answer: '' };
  for (const { from, to } of runs(words, context, asked)) {
    let score = 0;
    for (const { at, weight } of found) {
      const distance = at < from ? from - at : at - to;
      if (distance <= REACH) score += weight * (1 - distance / (REACH + 1));
    }
    if (score > best.score) best = { score, answer: context.slice(words[from]!.start, words[to]!.end) };
  }
  return best.answer;
}

/** Runs of words that may answer, broken by common words, words of the question and punctuation. */
function* runs(
  words: readonly Word[],
  context: string,
  asked: ReadonlySet<string>,
): Generator<{ from: number; to: number }> {
  const may = ({ text }: Word): boolean => !common.has(text) && !asked.has(text);
  const joined = (i: number): boolean => /^[\s'’-]*$/.test(context.slice(words[i]!.end, words[i + 1]?.start));
  let from = 0;
  while (from < words.length) {
    if (!may(words[from]!)) {
      from += 1;
      continue;
    }
    let to = from;
    while (to + 1 < words.length && joined(to) && may(words[to + 1]!)) to += 1;
    yield { from, to };
    from = to + 1;
  }
}

function wordsOf(text: string): Word[] {
  return Array.from(text.matchAll(/[\p{L}\p{N}]+(?:[.,]\p{N}+)*/gu), (match) => ({
    text: match[0].toLowerCase(),
    start: match.index,
    end: match.index + match[0].length,
  }));
}

/** An answer to each question of a file, with the true ones. */
export function overlapAnswers({ data }: SquadFile): { predictions: string[]; answers: string[][] } {
  const cases = data.flatMap(({ paragraphs }) =>
    paragraphs.flatMap(({ context, qas }) =>
      qas.map(({ question, answers }) => ({
        prediction: overlapAnswer(question, context),
        answers: answers.map(({ text }) => text),
      })),
    ),
  );
  return {
    predictions: cases.map(({ prediction }) => prediction),
    answers: cases.map(({ answers }) => answers),
  };
}
