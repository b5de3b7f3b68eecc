import { join } from 'node:path';
import { writeJsonAtomic } from '@weft/checkpoint';
import { squadMetrics } from '@weft/trainer';
import { writeReport } from './files.js';
import { overlapAnswers } from './overlap.js';
import type { RunOptions } from './run.js';
import { countQuestions, questionFile, type SquadFile, squadSplit, trainingQuestions } from './squad.js';
import { lastJson, trainByCommand, weft } from './weft.js';

export interface QuestionAnsweringMiniOptions extends RunOptions {
  /** Folder of the encoder to start from, bert-mini. */
  model: string;
  epochs: number;
  learningRate: number;
}

const SEED = 1;

/**
 * bert-mini, fine-tuned to find answers on all the extractive sets of the data folder but SQuAD's held-out articles
 * and the test tales, on which it is judged beside a baseline of overlapping words.
 */
export async function questionAnsweringMini(options: QuestionAnsweringMiniOptions): Promise<void> {
  const { model, out, epochs, learningRate, signal } = options;
  const sets = {
    train: trainingQuestions('all'),
    heldOut: squadSplit().heldOut,
    tales: questionFile('fairytaleqa_extractive_test'),
  };
  const file = (name: string): string => join(out, `${name}.json`);
  for (const [name, content] of Object.entries(sets)) await writeJsonAtomic(file(name), content);

  const settings = ['--max-length', '256', '--doc-stride', '64'];
  const trained = join(out, 'model');
  const seconds = await trainByCommand(
    trained,
    [
      ...['finetune', '-m', model, '--task', 'question-answering', '--train', file('train'), ...settings],
      ...['--eval-file', file('heldOut'), '--eval-strategy', 'no', '--group-by-length', '--seed', `${SEED}`],
      ...['--num-train-epochs', `${epochs}`, '--learning-rate', `${learningRate}`],
      ...['--per-device-train-batch-size', '16', '--warmup-ratio', '0.06', '--weight-decay', '0.01'],
      ...['--save-strategy', 'steps', '--save-steps', '300', '--logging-steps', '100'],
    ],
    signal,
  );
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
    ...{ model, seed: SEED, epochs, learningRate, seconds },
    questions: Object.fromEntries(Object.entries(sets).map(([name, set]) => [name, countQuestions(set)])),
    heldOutArticles: sets.heldOut.data.map(({ title }) => title),
    metrics: {
      ...{ heldOut, heldOutOverlap, tales, talesOverlap },
      all: { f1: together(heldOut.f1!, tales.f1!) },
      allOverlap: { f1: together(heldOutOverlap.f1, talesOverlap.f1) },
    },
  });
}
