import { join } from 'node:path';
import { BertForQuestionAnswering } from '@weft/bert';
import { writeJsonAtomic } from '@weft/checkpoint';
import { AutoTokenizer, type Tokenizer } from '@weft/tokenizer';
import { dataCollatorWithPadding, squadMetrics, type TokenizedExample, Trainer } from '@weft/trainer';
import { writeReport } from './files.js';
import { overlapAnswers } from './overlap.js';
import {
  type ReadingWindow,
  readingQuestions,
  readingWindows,
  type SoftPlace,
  tokenTargets,
} from './reading.js';
import { EffortCallback, millions, type RunOptions, trainOrResume } from './run.js';
import { SoftSpans } from './soft-labels.js';
import {
  countQuestions,
  paragraphQuestions,
  questionFile,
  type SquadFile,
  sentenceQuestions,
  squadSplit,
} from './squad.js';
import { teacherPlaces } from './teacher-places.js';
import { lastJson, weft } from './weft.js';

export interface QuestionAnsweringMiniOptions extends RunOptions {
  /** Folder of the encoder to start from, bert-mini. */
  model: string;
  /** Folder of a model that the recipe `question-answering` made. */
  teacher: string;
  epochs: number;
  learningRate: number;
}

const SEED = 1;
const WINDOW = { maxLength: 256, stride: 64 };

/** Share of what is to be learnt that the larger model says; the rest is the answer that people gave. */
const TEACHER = 0.5;

/**
 * bert-mini, fine-tuned to find answers on all the extractive sets of the data folder but SQuAD's held-out articles
 * and the test tales, on which it is judged beside a baseline of overlapping words. On paragraphs it learns people's
 * answers and, at the same time, where a larger model thinks that they begin and end; on single sentences people's
 * answers alone.
 */
export async function questionAnsweringMini(options: QuestionAnsweringMiniOptions): Promise<void> {
  const { model: source, teacher, out, epochs, learningRate, signal } = options;
  const sets = {
    heldOut: squadSplit().heldOut,
    tales: questionFile('fairytaleqa_extractive_test'),
  };
  const tokenizer = await AutoTokenizer.fromPretrained(source);
  const train = await trainingWindows(tokenizer, teacher, out);
  const student = await BertForQuestionAnswering.fromPretrained(source, { seed: SEED });
  using model = new SoftSpans(student);
  const effort = new EffortCallback(out);
  const pad = dataCollatorWithPadding({ tokenizer });
  const trainer = new Trainer<SoftExample>({
    model,
    args: {
      ...{ outputDir: out, loggingDir: out, numTrainEpochs: epochs, perDeviceTrainBatchSize: 16 },
      ...{ learningRate, warmupRatio: 0.06, weightDecay: 0.01, groupByLength: true, seed: SEED },
      ...{ loggingSteps: 100, saveSteps: 300, saveTotalLimit: 1 },
    },
    trainDataset: train,
    dataCollator: (examples) => {
      const batch = pad(examples.map(({ window: _, said: __, ...example }) => example));
      const length = (batch.inputIds as number[][])[0]!.length;
      const targets = (side: 0 | 1): number[][] =>
        examples.map((example) => {
          const row = targetsOf(example, side);
          return [...row, ...new Array<number>(length - row.length).fill(0)];
        });
      return { ...batch, firstTargets: targets(0), lastTargets: targets(1) };
    },
    callbacks: [effort],
  });
  const steps = await trainOrResume(trainer, options);
  const time = effort.effort;
  const trained = join(out, 'model');
  await student.savePretrained(trained);
  await tokenizer.savePretrained(trained);

  const file = (name: string): string => join(out, `${name}.json`);
  for (const [name, content] of Object.entries(sets)) await writeJsonAtomic(file(name), content);
  const settings = ['--max-length', `${WINDOW.maxLength}`, '--doc-stride', `${WINDOW.stride}`];
  const judge = async (name: 'heldOut' | 'tales'): Promise<Record<string, number>> => {
    const output = await weft(
      ['evaluate', '-m', trained, '--data', file(name), ...settings, '--json'],
      signal,
    );
    return lastJson(output).metrics as Record<string, number>;
  };
  const overlap = (set: SquadFile): { exactMatch: number; f1: number } => {
    const { predictions, answers } = overlapAnswers(set);
    return squadMetrics(predictions, answers);
  };
  const [heldOut, tales] = [await judge('heldOut'), await judge('tales')];
  const [heldOutOverlap, talesOverlap] = [overlap(sets.heldOut), overlap(sets.tales)];
  const sizes = [countQuestions(sets.heldOut), countQuestions(sets.tales)] as const;
  const together = (a: number, b: number): number => (a * sizes[0] + b * sizes[1]) / (sizes[0] + sizes[1]);
  await writeReport(out, {
    recipe: 'question-answering-mini',
    parameters: millions(student),
    ...{ seed: SEED, epochs, learningRate, steps },
    ...time,
    questions: {
      train: countQuestions(paragraphQuestions()) + countQuestions(sentenceQuestions()),
      heldOut: countQuestions(sets.heldOut),
      tales: countQuestions(sets.tales),
    },
    heldOutArticles: sets.heldOut.data.map(({ title }) => title),
    metrics: {
      ...{ heldOut, heldOutOverlap, tales, talesOverlap },
      all: { f1: together(heldOut.f1!, tales.f1!) },
      allOverlap: { f1: together(heldOutOverlap.f1, talesOverlap.f1) },
    },
  });
}

interface SoftExample extends TokenizedExample {
  window: ReadingWindow;
  /** Where the larger model finds the first and the last character of the answer. */
  said?: readonly [SoftPlace, SoftPlace] | undefined;
}

async function trainingWindows(tokenizer: Tokenizer, teacher: string, out: string): Promise<SoftExample[]> {
  const windows = (set: SquadFile): ReadingWindow[] =>
    readingWindows(tokenizer, readingQuestions(set), WINDOW);
  const paragraphs = windows(paragraphQuestions());
  const said = await teacherPlaces(teacher, paragraphs, join(out, 'teacher-places.json'));
  return [...paragraphs, ...windows(sentenceQuestions())].map((window, w) => ({
    ...window.example,
    window,
    said: said[w],
  }));
}

/** The probability that each token should have of being the answer's first (0) or last (1). */
function targetsOf({ window, said }: SoftExample, side: 0 | 1): number[] {
  const people = tokenTargets(window, window.answer ? [[window.answer[side], 1]] : []);
  if (!said) return people;
  const larger = tokenTargets(window, said[side]);
  return people.map((probability, t) => (1 - TEACHER) * probability + TEACHER * larger[t]!);
}
