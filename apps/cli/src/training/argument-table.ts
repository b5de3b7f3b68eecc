import type { SchedulerType, TrainingArguments } from '@weft/trainer';

/** How an argument is written on the command line. */
export type ArgumentKind =
  | { kind: 'integer' | 'number' | 'text' | 'flag' | 'switch' | 'numbers'; choices?: undefined }
  | { kind: 'choice' | 'choices'; choices: readonly string[] };

export type ArgumentEntry = ArgumentKind & {
  about: string;
  /** The Trainer's own default, as help tells it; a test holds it to the Trainer's. */
  default?: string | number;
};

/** Arguments that options set: all but the folder, which every verb asks for itself. */
export type OptionalArgument = Exclude<keyof TrainingArguments, 'outputDir'>;

const schedulers = [
  'constant',
  'constant_with_warmup',
  'linear',
  'cosine',
  'cosine_with_restarts',
  'polynomial',
  'inverse_sqrt',
] as const satisfies readonly SchedulerType[];
const intervals = ['no', 'steps', 'epoch'] as const;

/**
 * Every training argument as an option. The type asks for all of them: an argument that the Trainer gains does not
 * compile until it stands here.
 */
export const argumentTable: Record<OptionalArgument, ArgumentEntry> = {
  numTrainEpochs: { kind: 'number', about: 'passes over the data', default: 3 },
  maxSteps: { kind: 'integer', about: 'steps in all; overrules the epochs' },
  perDeviceTrainBatchSize: { kind: 'integer', about: 'examples a batch', default: 8 },
  perDeviceEvalBatchSize: { kind: 'integer', about: 'examples a batch when evaluating', default: 8 },
  gradientAccumulationSteps: { kind: 'integer', about: 'batches a step', default: 1 },
  gradientCheckpointing: { kind: 'flag', about: 'less memory, more time' },
  learningRate: { kind: 'number', about: 'the peak rate', default: 5e-5 },
  lrSchedulerType: { kind: 'choice', choices: schedulers, about: 'how the rate goes', default: 'linear' },
  lrSchedulerKwargs: { kind: 'numbers', about: 'more of a schedule, such as numCycles=2 or power=2' },
  warmupSteps: { kind: 'integer', about: 'steps over which the rate rises', default: 0 },
  warmupRatio: { kind: 'number', about: 'share of the steps over which the rate rises', default: 0 },
  weightDecay: { kind: 'number', about: 'decoupled decay of AdamW', default: 0 },
  adamBeta1: { kind: 'number', about: 'decay of the first moment', default: 0.9 },
  adamBeta2: { kind: 'number', about: 'decay of the second moment', default: 0.999 },
  adamEpsilon: { kind: 'number', about: 'keeps the division finite', default: 1e-8 },
  maxGradNorm: { kind: 'number', about: 'clip gradients to this norm; 0 for never', default: 1 },
  labelSmoothingFactor: { kind: 'number', about: 'share of the loss that is uniform', default: 0 },
  evalStrategy: { kind: 'choice', choices: intervals, about: 'when to evaluate', default: 'no' },
  evalSteps: { kind: 'number', about: 'steps between evaluations; below 1 a share of all' },
  evalDelay: { kind: 'number', about: 'steps (or epochs) before the first evaluation', default: 0 },
  evalOnStart: { kind: 'flag', about: 'evaluate before the first step' },
  loggingStrategy: { kind: 'choice', choices: intervals, about: 'when to log', default: 'steps' },
  loggingSteps: { kind: 'number', about: 'steps between logs; below 1 a share of all', default: 500 },
  loggingFirstStep: { kind: 'flag', about: 'log the first step too' },
  loggingDir: { kind: 'text', about: 'TensorBoard events and train.jsonl go here' },
  reportTo: {
    kind: 'choices',
    choices: ['all', 'none', 'tensorboard', 'jsonl'],
    about: 'which logs go to --logging-dir',
    default: 'all',
  },
  saveStrategy: {
    kind: 'choice',
    choices: [...intervals, 'best'],
    about: 'when to write a checkpoint',
    default: 'steps',
  },
  saveSteps: { kind: 'number', about: 'steps between checkpoints; below 1 a share of all', default: 500 },
  saveOnlyModel: {
    kind: 'flag',
    about: 'checkpoints without the optimizer: smaller, no run can resume them',
  },
  saveTotalLimit: { kind: 'integer', about: 'checkpoints kept; the best always is' },
  resumeFromCheckpoint: { kind: 'text', about: 'go on from this checkpoint folder' },
  loadBestModelAtEnd: { kind: 'switch', about: 'end with the best checkpoint, not the last' },
  metricForBestModel: { kind: 'text', about: 'what the best is told by' },
  greaterIsBetter: { kind: 'switch', about: 'whether more of that metric is better' },
  seed: { kind: 'integer', about: 'of everything that is drawn', default: 42 },
  dataSeed: { kind: 'integer', about: 'of the order of examples; without it --seed' },
  groupByLength: { kind: 'switch', about: 'batches of examples of like length' },
  lengthColumnName: { kind: 'text', about: "field that holds an example's length", default: 'length' },
  dataloaderDropLast: { kind: 'flag', about: 'leave out the last batch where it is short' },
  predictionLossOnly: { kind: 'flag', about: 'evaluate the loss alone' },
  disableProgress: { kind: 'flag', about: 'no bar, no lines' },
};
