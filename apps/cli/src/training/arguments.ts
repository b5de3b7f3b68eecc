import type { TrainingArguments } from '@weft/trainer';
import { type Command, Option } from 'commander';
import { integerOption, numberOption } from '../options.js';

/** Adds an option for every training argument; their names are those of the Trainer. */
export function addTrainingOptions(command: Command): Command {
  const options = [
    numberOption('--num-train-epochs <n>', 'passes over the data').default(3),
    integerOption('--max-steps <n>', 'steps in all; overrules the epochs'),
    integerOption('--per-device-train-batch-size <n>', 'examples a batch').default(8),
    integerOption('--per-device-eval-batch-size <n>', 'examples a batch when evaluating').default(8),
    integerOption('--gradient-accumulation-steps <n>', 'batches a step'),
    numberOption('--learning-rate <r>', 'the peak rate').default(5e-4),
    new Option('--lr-scheduler-type <type>', 'how the rate goes').default('cosine'),
    integerOption('--warmup-steps <n>', 'steps over which the rate rises'),
    numberOption('--warmup-ratio <share>', 'share of the steps over which the rate rises').default(0.05),
    numberOption('--weight-decay <d>', 'decoupled decay of AdamW').default(0.01),
    numberOption('--adam-beta1 <b>', 'decay of the first moment'),
    numberOption('--adam-beta2 <b>', 'decay of the second moment'),
    numberOption('--adam-epsilon <e>', 'keeps the division finite'),
    numberOption('--max-grad-norm <n>', 'clip gradients to this norm'),
    numberOption('--label-smoothing-factor <e>', 'share of the loss that is uniform'),
    new Option('--eval-strategy <when>', 'when to evaluate')
      .choices(['no', 'steps', 'epoch'])
      .default('epoch'),
    integerOption('--eval-steps <n>', 'steps between evaluations'),
    new Option('--save-strategy <when>', 'when to save')
      .choices(['no', 'steps', 'epoch', 'best'])
      .default('epoch'),
    integerOption('--save-steps <n>', 'steps between checkpoints'),
    integerOption('--save-total-limit <n>', 'checkpoints kept').default(2),
    integerOption('--logging-steps <n>', 'steps between logs').default(20),
    new Option('--logging-dir <folder>', 'TensorBoard events and train.jsonl go here'),
    new Option('--load-best-model-at-end', 'keep the best checkpoint, not the last'),
    new Option('--metric-for-best-model <name>', 'what the best is told by'),
    new Option('--gradient-checkpointing', 'less memory, more time'),
    new Option('--group-by-length', 'batches of examples of like length'),
    integerOption('--seed <n>', 'of everything that is drawn').default(42),
  ];
  for (const option of options) command.addOption(option);
  return command;
}

const names: readonly (keyof TrainingArguments)[] = [
  'numTrainEpochs',
  'maxSteps',
  'perDeviceTrainBatchSize',
  'perDeviceEvalBatchSize',
  'gradientAccumulationSteps',
  'learningRate',
  'lrSchedulerType',
  'warmupSteps',
  'warmupRatio',
  'weightDecay',
  'adamBeta1',
  'adamBeta2',
  'adamEpsilon',
  'maxGradNorm',
  'labelSmoothingFactor',
  'evalStrategy',
  'evalSteps',
  'saveStrategy',
  'saveSteps',
  'saveTotalLimit',
  'loggingSteps',
  'loggingDir',
  'loadBestModelAtEnd',
  'metricForBestModel',
  'gradientCheckpointing',
  'groupByLength',
  'seed',
];

/** The training arguments among a command's options. */
export function trainingArguments(options: Record<string, unknown>, outputDir: string): TrainingArguments {
  const given = names.filter((name) => options[name] !== undefined).map((name) => [name, options[name]]);
  return { ...(Object.fromEntries(given) as Partial<TrainingArguments>), outputDir };
}
