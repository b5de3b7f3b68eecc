import { join } from 'node:path';
import type { Command } from 'commander';
import { colors } from '../colors.js';
import type { EvaluateFlags } from '../inference/evaluate.js';
import type { Evaluation } from '../inference/evaluations.js';
import { withInterrupt } from '../interrupt.js';
import { integerOption, jsonOption, localFilesOnlyOption, revisionOption } from '../options.js';
import { heading, note, printJson, printLine, printTable } from '../terminal.js';
import { addDataOptions } from '../training/data-options.js';

interface Flags extends EvaluateFlags {
  model: string;
  charts?: string;
  numBeams?: number;
  revision?: string;
  localFilesOnly?: boolean;
  json?: boolean;
}

export function addEvaluate(program: Command): void {
  const command = program
    .command('evaluate')
    .description('how good a checkpoint is on a file of labelled examples')
    .requiredOption('-m, --model <model>', 'folder or id on the hub; its head says the task')
    .requiredOption('--data <file>', "csv, tsv or jsonl; SQuAD's json for question answering")
    .addOption(integerOption('--batch-size <n>', 'examples at a time').default(32))
    .addOption(integerOption('--bins <n>', 'ranges of confidence, for calibration').default(10))
    .option('--charts <folder>', 'draw confusion.svg and reliability.svg there')
    .addOption(integerOption('--num-beams <n>', 'translation: beam search over n beams'))
    .addOption(revisionOption())
    .addOption(localFilesOnlyOption())
    .addOption(jsonOption());
  addDataOptions(command)
    .addHelpText(
      'after',
      `
Examples:
  weft evaluate -m ./out --data test.csv
  weft evaluate -m ./out --data test.tsv --text-column sentence --charts charts --json
  weft evaluate -m ./qa --data dev.json

Classification: accuracy, F1 of each class and their means, the confusion matrix, and calibration: whether the model
is right as often as it is sure. Question answering: exact match and F1. Tags: F1 over whole entities. Translation:
BLEU and chrF.`,
    )
    .action((flags: Flags) => withInterrupt((signal) => evaluate(flags, signal)));
}

async function evaluate(flags: Flags, signal: AbortSignal): Promise<void> {
  const [{ setBackend }, { loadPredictor }, { evaluateFile }] = await Promise.all([
    import('@weft/backend'),
    import('../inference/load.js'),
    import('../inference/evaluate.js'),
  ]);
  await setBackend();
  const loaded = await loadPredictor(flags.model, flags, note);
  try {
    const found = await evaluateFile(loaded, flags, signal, note);
    if (flags.charts !== undefined) await draw(flags.charts, found);
    if (flags.json) printJson({ model: flags.model, task: loaded.task, ...found });
    else print(found);
  } finally {
    loaded.predictor.dispose();
  }
}

async function draw(folder: string, { confusion, labels, calibration }: Evaluation): Promise<void> {
  const [{ writeFileAtomic }, { confusionChart }, { reliabilityChart }] = await Promise.all([
    import('@weft/checkpoint'),
    import('../charts/confusion-chart.js'),
    import('../charts/reliability-chart.js'),
  ]);
  if (confusion && labels)
    await writeFileAtomic(join(folder, 'confusion.svg'), confusionChart(confusion, labels));
  if (calibration) await writeFileAtomic(join(folder, 'reliability.svg'), reliabilityChart(calibration));
}

/** The widest confusion matrix that a terminal shows well. */
const widestMatrix = 12;

function print({ examples, metrics, classes, labels, confusion, calibration }: Evaluation): void {
  printLine(`${examples} examples`);
  const width = Math.max(...Object.keys(metrics).map(({ length }) => length));
  for (const [name, value] of Object.entries(metrics))
    printLine(`${name.replaceAll('_', ' ').padEnd(width)}  ${value.toFixed(4)}`);
  if (classes) {
    heading('\nclasses');
    printTable(
      ['class', 'precision', 'recall', 'f1', 'examples'],
      Object.entries(classes).map(([name, { precision, recall, f1, support }]) => [
        name,
        precision.toFixed(4),
        recall.toFixed(4),
        f1.toFixed(4),
        support,
      ]),
    );
  }
  if (confusion && labels && labels.length <= widestMatrix) {
    heading('\nconfusion: labels down, predictions across');
    printTable(
      ['', ...labels],
      confusion.map((row, id) => [labels[id]!, ...row]),
    );
  }
  if (calibration) {
    heading('\nreliability: how sure, how often right');
    printTable(
      ['confidence', 'examples', 'mean', 'right'],
      calibration.bins
        .filter(({ count }) => count > 0)
        .map(({ from, to, count, confidence, accuracy }) => [
          `${from.toFixed(2)} to ${to.toFixed(2)}`,
          count,
          confidence.toFixed(4),
          accuracy.toFixed(4),
        ]),
    );
    printLine(colors.dim('a calibrated model has the same in the last two columns'));
  }
}
