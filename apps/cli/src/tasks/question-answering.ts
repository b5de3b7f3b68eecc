import type { ComputeMetrics } from '@weft/trainer';
import { splitWholeGroups } from '../data/split.js';
import type { Question } from '../data/squad.js';
import { readQuestions } from '../data/squad.js';
import { textLimit } from '../training/checkpoint-info.js';
import { bestAnswer, questionWindows, type Window } from './question-windows.js';
import { noteSkipped } from './records.js';
import { type DataFlags, loadOptions, type Task, type TaskContext, type TaskFlags } from './task.js';

/** Tokens of question and context together, as usual for SQuAD. */
export const usualWindow = 384;
export const maxAnswerTokens = 30;

/** Finding the answer to a question in a text. Articles are held out whole. */
export async function questionAnsweringTask(flags: TaskFlags, context: TaskContext): Promise<Task> {
  const { tokenizer, info, note } = context;
  const options = windowOptions(flags, context);
  const all = await questionsOf(flags.train, flags, note);
  const { train, heldOut } =
    flags.evalFile === undefined
      ? splitWholeGroups(all, flags.evalSplit, flags.seed, ({ title }) => title)
      : { train: all, heldOut: await questionsOf(flags.evalFile, flags, note) };
  const learnt = questionWindows(tokenizer, train, options);
  const judged = questionWindows(tokenizer, heldOut, options);
  note(
    `${train.length} questions in ${learnt.length} windows; judged on ${heldOut.length} in ${judged.length}`,
  );
  const [{ AutoModelForQuestionAnswering }, { dataCollatorWithPadding }] = await Promise.all([
    import('@weft/bert'),
    import('@weft/trainer'),
  ]);
  return {
    model: await AutoModelForQuestionAnswering.fromPretrained(info.model, loadOptions(flags, context)),
    train: learnt.map(({ example }) => example),
    evaluation: judged.map(({ example }) => example),
    collate: dataCollatorWithPadding({ tokenizer }),
    computeMetrics: await answerMetrics(heldOut, judged),
    metric: 'f1',
    metrics: ['exact_match', 'f1'],
  };
}

export function windowOptions(
  flags: Pick<DataFlags, 'maxLength' | 'docStride'>,
  { info, tokenizer }: Pick<TaskContext, 'info' | 'tokenizer'>,
): { maxLength: number; stride: number } {
  const maxLength = textLimit(info, tokenizer, flags.maxLength, usualWindow);
  return { maxLength, stride: Math.min(flags.docStride, Math.floor(maxLength / 3)) };
}

async function questionsOf(
  path: string,
  { skipBadRows }: Pick<TaskFlags, 'skipBadRows'>,
  note: (text: string) => void,
): Promise<Question[]> {
  const skipped = { count: 0, reasons: [] as string[] };
  const skip = (reason: string): void => {
    skipped.count++;
    if (skipped.reasons.length < 3) skipped.reasons.push(reason);
  };
  const questions = await readQuestions(path, skipBadRows ? { skip } : {});
  noteSkipped(note, skipped);
  return questions;
}

/** Exact match and F1 of the answers that a model finds, in percent, as SQuAD's evaluation has them. */
async function answerMetrics(
  questions: readonly Question[],
  windows: readonly Window[],
): Promise<ComputeMetrics> {
  const { squadMetrics } = await import('@weft/trainer');
  const allowsNone = questions.some(({ answers }) => answers.length === 0);
  const ofQuestion = questions.map((): number[] => []);
  for (const [w, { question }] of windows.entries()) ofQuestion[question]!.push(w);
  return ({ predictions, shapes }) => {
    const found = questions.map(({ context }, q) => {
      const own = ofQuestion[q]!;
      const logits = own.map((w) => {
        const length = shapes[w]![1]!;
        return { start: predictions[w]!.subarray(0, length), end: predictions[w]!.subarray(length) };
      });
      return bestAnswer(
        context,
        own.map((w) => windows[w]!),
        logits,
        { allowsNone, maxAnswerTokens },
      );
    });
    const { exactMatch, f1 } = squadMetrics(
      found.map(({ text }) => text),
      questions.map(({ answers }) => answers.map(({ text }) => text)),
    );
    return { exact_match: exactMatch, f1 };
  };
}
