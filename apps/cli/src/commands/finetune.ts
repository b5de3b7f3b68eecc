import { ConfigError } from '@weft/errors';
import { type Command, Option } from 'commander';
import { problemKinds } from '../data/labels.js';
import { withInterrupt } from '../interrupt.js';
import { integerOption, jsonOption, localFilesOnlyOption, numberOption, revisionOption } from '../options.js';
import { type Task, type TaskContext, type TaskFlags, type TaskName, taskNames } from '../tasks/task.js';
import { amount, note, printJson, printLine } from '../terminal.js';
import { addTrainingOptions, trainingArguments } from '../training/arguments.js';
import { checkpointInfo } from '../training/checkpoint-info.js';
import { addDataOptions } from '../training/data-options.js';
import type { FineTuned } from '../training/fine-tune.js';
import { prepareOutputFolder } from '../training/output-folder.js';

interface FinetuneFlags extends TaskFlags, Record<string, unknown> {
  model: string;
  task: TaskName;
  outputDir: string;
  resume?: boolean;
  overwriteOutputDir?: boolean;
  earlyStoppingPatience?: number;
  earlyStoppingThreshold?: number;
  json?: boolean;
}

export function addFinetune(program: Command): void {
  const command = program
    .command('finetune')
    .description('teach a checkpoint a task from a file of examples')
    .requiredOption('-m, --model <model>', 'folder or id on the hub, to begin from')
    .requiredOption('--train <file>', "csv, tsv or jsonl; SQuAD's json for question answering")
    .requiredOption('--output-dir <folder>', 'where checkpoints, the model and charts go')
    .addOption(new Option('--task <name>', 'what to learn').choices(taskNames).default('classification'))
    .option('--eval-file <file>', 'examples to judge on')
    .addOption(
      numberOption('--eval-split <share>', 'without --eval-file: share of the examples to judge on').default(
        0.1,
      ),
    )
    .addOption(
      new Option('--problem <kind>', 'what labels are').choices(problemKinds).default('single-label'),
    )
    .option('--labels <name...>', 'names of the classes, in order; default: those of the data, sorted')
    .option('--ignore-mismatched-sizes', "draw a new head where the checkpoint's has other classes")
    .option('--allow-empty-classes', 'let there be classes without an example')
    .option('--predict-with-generate', 'translation: evaluate what the model writes, by BLEU and chrF')
    .addOption(integerOption('--num-beams <n>', 'beams when evaluating so'))
    .option('--resume', 'go on from the newest checkpoint in the output folder')
    .option('--overwrite-output-dir', 'write over a run that is there')
    .addOption(
      integerOption('--early-stopping-patience <n>', 'stop after so many evaluations without a gain'),
    )
    .addOption(numberOption('--early-stopping-threshold <x>', 'what counts as a gain'))
    .addOption(revisionOption())
    .addOption(localFilesOnlyOption())
    .addOption(jsonOption());
  addDataOptions(command);
  const defaults = {
    perDeviceTrainBatchSize: 16,
    perDeviceEvalBatchSize: 32,
    warmupRatio: 0.06,
    weightDecay: 0.01,
    loggingSteps: 0.02,
    evalStrategy: 'epoch',
    saveTotalLimit: 2,
    loadBestModelAtEnd: true,
    groupByLength: true,
  } as const;
  addTrainingOptions(command, defaults, {
    saveStrategy: 'as --eval-strategy',
    saveSteps: 'as --eval-steps',
    metricForBestModel: "the task's own, such as accuracy",
  })
    .addHelpText(
      'after',
      `
Examples:
  weft finetune -m bert-base-uncased --train reviews.csv --output-dir out
  weft finetune -m bert-base-uncased --train train.tsv --eval-file dev.tsv --text-column sentence \\
    --output-dir out --num-train-epochs 4 --learning-rate 2e-5 --early-stopping-patience 2
  weft finetune -m bert-base-uncased --problem multi-label --label-separator ";" --train topics.csv --output-dir out
  weft finetune -m bert-base-cased --task token-classification --train names.jsonl --output-dir out
  weft finetune -m bert-base-uncased --task question-answering --train train.json --output-dir out
  weft finetune -m t5-small --task translation --source-prefix "translate English to German: " \\
    --train pairs.tsv --source-column en --target-column de --output-dir out
  weft finetune ... --resume      # after Ctrl-C

Then: weft evaluate -m out --data test.csv, and weft predict -m out --data new.csv`,
    )
    .action((flags: FinetuneFlags) =>
      withInterrupt((signal) => finetune(flags, signal), 'to go on, run the same command with --resume'),
    );
}

async function finetune(flags: FinetuneFlags, signal: AbortSignal): Promise<void> {
  const resume = flags.resume === true || typeof flags.resumeFromCheckpoint === 'string';
  await prepareOutputFolder(flags.outputDir, { resume, overwrite: flags.overwriteOutputDir === true });
  const [{ setBackend }, { AutoTokenizer }, { fineTune }, { resolveArguments }] = await Promise.all([
    import('@weft/backend'),
    import('@weft/tokenizer'),
    import('../training/fine-tune.js'),
    import('@weft/trainer'),
  ]);
  // Arguments that make no sense are told before any data are read.
  resolveArguments(argumentsOf(flags, undefined));
  const backend = await setBackend();
  const info = await checkpointInfo(flags.model, flags);
  const tokenizer = await AutoTokenizer.fromPretrained(flags.model, flags);
  const task = await prepareTask(flags, { info, tokenizer, note });
  using model = task.model;
  note(
    `${task.train.length} examples to learn from, ${task.evaluation.length} to judge on, ` +
      `${amount(model.numParameters())} parameters, on ${backend}`,
  );
  const tuned = await fineTune(task, tokenizer, {
    args: argumentsOf(flags, task),
    resume: flags.resume === true,
    patience: flags.earlyStoppingPatience,
    threshold: flags.earlyStoppingThreshold,
    signal,
  });
  report(flags, task, tuned);
}

/** The task's files are loaded only when it is chosen. */
async function prepareTask(flags: FinetuneFlags, context: TaskContext): Promise<Task> {
  switch (flags.task) {
    case 'classification':
      return (await import('../tasks/classification.js')).classificationTask(flags, context);
    case 'token-classification':
      return (await import('../tasks/token-classification.js')).tokenClassificationTask(flags, context);
    case 'question-answering':
      return (await import('../tasks/question-answering.js')).questionAnsweringTask(flags, context);
    case 'translation':
      return (await import('../tasks/translation.js')).translationTask(flags, context);
  }
}

/**
 * What the flags say. Checkpoints are written where evaluations are, unless told otherwise; without data to judge on
 * nothing is evaluated and the last model is kept.
 */
function argumentsOf(flags: FinetuneFlags, task: Task | undefined): ReturnType<typeof trainingArguments> {
  const args = trainingArguments(flags, flags.outputDir);
  const judged = task === undefined || task.evaluation.length > 0;
  if (!judged || args.evalStrategy === 'no')
    return { saveStrategy: 'epoch', ...args, evalStrategy: 'no', loadBestModelAtEnd: false };
  const metric = args.metricForBestModel ?? task?.metric;
  if (task && metric !== undefined) requireMetric(metric, task);
  const { saveStrategy = args.evalStrategy ?? 'no', saveSteps = args.evalSteps } = args;
  return {
    ...args,
    saveStrategy,
    ...(saveSteps === undefined ? {} : { saveSteps }),
    loadBestModelAtEnd: args.loadBestModelAtEnd === true && saveStrategy !== 'no',
    ...(metric === undefined ? {} : { metricForBestModel: metric }),
  };
}

/** A metric that no evaluation gives would end the run at its first evaluation. @throws ConfigError */
function requireMetric(metric: string, task: Task): void {
  const known = ['loss', ...task.metrics];
  if (known.includes(metric.replace(/^eval_/, ''))) return;
  throw new ConfigError({
    operation: 'choose the best model',
    expected: `a metric of ${known.join(', ')}`,
    received: metric,
    remedy: 'correct --metric-for-best-model',
  });
}

function report(flags: FinetuneFlags, task: Task, { output, metrics, best }: FineTuned): void {
  if (flags.json) {
    printJson({
      model: flags.outputDir,
      task: flags.task,
      steps: output.globalStep,
      trainLoss: output.trainingLoss,
      trainRuntime: output.metrics.train_runtime,
      metrics,
      best,
      ...(task.labels ? { labels: task.labels } : {}),
    });
    return;
  }
  const told = Object.entries(metrics).filter(([name]) => !/runtime|per_second|epoch/.test(name));
  for (const [name, value] of told) printLine(`${name.replace('eval_', '').padEnd(14)} ${value.toFixed(4)}`);
  printLine(
    `saved in ${flags.outputDir}, with loss.svg and learning-rate.svg; now: weft predict -m ${flags.outputDir} --data ...`,
  );
}
