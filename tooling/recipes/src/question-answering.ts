import { join } from 'node:path';
import { writeJsonAtomic } from '@weft/checkpoint';
import { writeReport } from './files.js';
import type { RunOptions } from './run.js';
import { countQuestions, paragraphQuestions, questionFile, squadSplit } from './squad.js';
import { lastJson, trainByCommand, weft } from './weft.js';

export interface QuestionAnsweringOptions extends RunOptions {
  /** Folder or id of the encoder to start from. */
  model: string;
  epochs: number;
  learningRate: number;
}

/**
 * Fine-tunes an encoder to find answers in paragraphs: those of SQuAD's articles but every fifth, which is held out, and
 * of the other sets. Judged on the articles held out, and on fairy tales that it has not seen.
 * python/question_answering.py does the same from the files that this one leaves in its folder.
 */
export async function questionAnswering(options: QuestionAnsweringOptions): Promise<void> {
  const { model, out, epochs, learningRate, signal } = options;
  const train = paragraphQuestions();
  const { heldOut } = squadSplit();
  const tales = questionFile('fairytaleqa_extractive_test');
  const file = (name: string): string => join(out, `${name}.json`);
  for (const [name, content] of Object.entries({ train, heldOut, tales }))
    await writeJsonAtomic(file(name), content);

  const settings = ['--max-length', '256', '--doc-stride', '64'];
  const trained = join(out, 'model');
  await trainByCommand(
    trained,
    [
      ...['finetune', '-m', model, '--task', 'question-answering', '--train', file('train'), ...settings],
      ...['--eval-file', file('heldOut'), '--eval-strategy', 'no', '--group-by-length'],
      ...['--num-train-epochs', `${epochs}`, '--learning-rate', `${learningRate}`],
      ...['--per-device-train-batch-size', '16', '--warmup-ratio', '0.06', '--weight-decay', '0.01'],
      ...['--save-strategy', 'steps', '--save-steps', '100', '--logging-steps', '20'],
    ],
    signal,
  );
  const judge = async (name: string): Promise<unknown> =>
    lastJson(await weft(['evaluate', '-m', trained, '--data', file(name), ...settings, '--json'], signal))
      .metrics;
  await writeReport(out, {
    recipe: 'question-answering',
    ...{ model, epochs, learningRate },
    questions: {
      train: countQuestions(train),
      heldOut: countQuestions(heldOut),
      tales: countQuestions(tales),
    },
    heldOutArticles: heldOut.data.map(({ title }) => title),
    heldOut: await judge('heldOut'),
    tales: await judge('tales'),
  });
}
