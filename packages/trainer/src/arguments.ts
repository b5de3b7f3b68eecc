import { ConfigError } from '@weft/errors';
import { type SchedulerName, type SchedulerType, schedulerType, schedulerTypes } from './schedules.js';

export type IntervalStrategy = 'no' | 'steps' | 'epoch';

/** Where logs go in loggingDir: event files for TensorBoard, lines of JSON in train.jsonl. */
export type LogTarget = 'tensorboard' | 'jsonl';

/** How to train; names and defaults of Hugging Face's TrainingArguments (4.57), in camelCase. */
export interface TrainingArguments {
  /** Where checkpoints go. */
  outputDir: string;
  /** Default: 3. */
  numTrainEpochs?: number;
  /** Steps in all; overrules numTrainEpochs. Default: -1. */
  maxSteps?: number;
  /** Default: 8. */
  perDeviceTrainBatchSize?: number;
  /** Default: 8. */
  perDeviceEvalBatchSize?: number;
  /** Batches whose gradients are added up before a step. Default: 1. */
  gradientAccumulationSteps?: number;
  /** Compute activations again in the backward pass, to save memory; an error for models that cannot. */
  gradientCheckpointing?: boolean;
  /** Default: 5e-5. */
  learningRate?: number;
  /** In Python's spelling or in camelCase. Default: linear. */
  lrSchedulerType?: SchedulerName;
  /** More values of a schedule: `numCycles` of cosine, `power` and `lrEnd` of polynomial, `timescale` of inverse square root. */
  lrSchedulerKwargs?: Record<string, number>;
  warmupSteps?: number;
  /** Share of all steps that warm up; warmupSteps overrules it. */
  warmupRatio?: number;
  weightDecay?: number;
  adamBeta1?: number;
  adamBeta2?: number;
  adamEpsilon?: number;
  /** Default: 1. 0 switches clipping off. */
  maxGradNorm?: number;
  labelSmoothingFactor?: number;
  /** When to evaluate. Default: no. */
  evalStrategy?: IntervalStrategy;
  /** Steps between evaluations; a number below 1 is a share of all steps. Default: loggingSteps. */
  evalSteps?: number;
  /** Steps (or epochs, with the strategy `epoch`) before the first evaluation. Default: 0. */
  evalDelay?: number;
  evalOnStart?: boolean;
  /** Default: steps. */
  loggingStrategy?: IntervalStrategy;
  /** Steps between logs; a number below 1 is a share of all steps. Default: 500. */
  loggingSteps?: number;
  loggingFirstStep?: boolean;
  /** Where event files for TensorBoard and train.jsonl go; none without it. */
  loggingDir?: string;
  /** Which of the two are written into loggingDir. Default: all. */
  reportTo?: 'all' | 'none' | readonly LogTarget[];
  /** Default: steps. */
  saveStrategy?: IntervalStrategy | 'best';
  /** Steps between checkpoints; a number below 1 is a share of all steps. Default: 500. */
  saveSteps?: number;
  /** Leave the optimizer out of checkpoints: smaller, and no run can go on from them. */
  saveOnlyModel?: boolean;
  /** A checkpoint's folder, or true for the newest in outputDir, unless `train` says otherwise. */
  resumeFromCheckpoint?: string | boolean;
  /** Checkpoints kept; the best one always is. Default: all. */
  saveTotalLimit?: number;
  loadBestModelAtEnd?: boolean;
  /** Default: loss, where the best model counts. */
  metricForBestModel?: string;
  /** Default: true unless the metric's name ends in loss. */
  greaterIsBetter?: boolean;
  /** Default: 42. */
  seed?: number;
  /** Seed of the order of examples. Default: seed. */
  dataSeed?: number;
  /** Batches of examples of like length, for less padding; predictions stay in the order of their examples. */
  groupByLength?: boolean;
  /** The field of an example that holds its length; else the length of inputIds counts. Default: length. */
  lengthColumnName?: string;
  dataloaderDropLast?: boolean;
  /** Do not keep predictions, only the loss. */
  predictionLossOnly?: boolean;
  disableProgress?: boolean;
}

export type ResolvedArguments = Required<
  Omit<
    TrainingArguments,
    'loggingDir' | 'saveTotalLimit' | 'metricForBestModel' | 'resumeFromCheckpoint' | 'lrSchedulerType'
  >
> &
  Pick<TrainingArguments, 'loggingDir' | 'saveTotalLimit' | 'metricForBestModel' | 'resumeFromCheckpoint'> & {
    lrSchedulerType: SchedulerType;
  };

const defaults: Omit<ResolvedArguments, 'outputDir' | 'dataSeed' | 'evalSteps' | 'greaterIsBetter'> = {
  numTrainEpochs: 3,
  maxSteps: -1,
  perDeviceTrainBatchSize: 8,
  perDeviceEvalBatchSize: 8,
  gradientAccumulationSteps: 1,
  gradientCheckpointing: false,
  learningRate: 5e-5,
  lrSchedulerType: 'linear',
  lrSchedulerKwargs: {},
  warmupSteps: 0,
  warmupRatio: 0,
  weightDecay: 0,
  adamBeta1: 0.9,
  adamBeta2: 0.999,
  adamEpsilon: 1e-8,
  maxGradNorm: 1,
  labelSmoothingFactor: 0,
  evalStrategy: 'no',
  evalDelay: 0,
  evalOnStart: false,
  loggingStrategy: 'steps',
  loggingSteps: 500,
  loggingFirstStep: false,
  reportTo: 'all',
  saveStrategy: 'steps',
  saveSteps: 500,
  saveOnlyModel: false,
  loadBestModelAtEnd: false,
  seed: 42,
  groupByLength: false,
  lengthColumnName: 'length',
  dataloaderDropLast: false,
  predictionLossOnly: false,
  disableProgress: false,
};

const optional = [
  'outputDir',
  'dataSeed',
  'evalSteps',
  'greaterIsBetter',
  'loggingDir',
  'saveTotalLimit',
  'metricForBestModel',
  'resumeFromCheckpoint',
] as const;

/**
 * Fills in defaults and checks every value.
 *
 * @throws ConfigError that names the argument, for unknown ones too
 * @example
 * ```ts
 * import { resolveArguments } from '@weft/trainer';
 *
 * const args = resolveArguments({ outputDir: './out', loggingSteps: 50 });
 * console.assert(args.learningRate === 5e-5 && args.evalSteps === 50);
 * ```
 */
export function resolveArguments(given: TrainingArguments): ResolvedArguments {
  const known = new Set<string>([...Object.keys(defaults), ...optional]);
  for (const name of Object.keys(given)) {
    if (!known.has(name))
      fail('a training argument', name, `the arguments are ${[...known].sort().join(', ')}`);
  }
  const set = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  const merged = { ...defaults, ...set } as TrainingArguments & typeof defaults;
  const usesBest = merged.loadBestModelAtEnd || merged.saveStrategy === 'best';
  const metric = merged.metricForBestModel ?? (usesBest ? 'loss' : undefined);
  const scheduler = schedulerType(merged.lrSchedulerType);
  if (scheduler === undefined) {
    const names = schedulerTypes.join(', ');
    fail(`lrSchedulerType of ${names}`, String(merged.lrSchedulerType), 'choose one of these');
  }
  const resolved: ResolvedArguments = {
    ...merged,
    lrSchedulerType: scheduler,
    dataSeed: merged.dataSeed ?? merged.seed,
    evalSteps: merged.evalSteps ?? merged.loggingSteps,
    greaterIsBetter: merged.greaterIsBetter ?? !(metric ?? 'loss').endsWith('loss'),
    ...(metric === undefined ? {} : { metricForBestModel: metric }),
  };
  checkNumbers(resolved);
  checkStrategies(resolved);
  return resolved;
}

function checkNumbers(args: ResolvedArguments): void {
  for (const name of [
    'perDeviceTrainBatchSize',
    'perDeviceEvalBatchSize',
    'gradientAccumulationSteps',
  ] as const) {
    if (!Number.isInteger(args[name]) || args[name] < 1)
      fail(`${name} of at least 1`, String(args[name]), 'count in whole numbers');
  }
  for (const name of ['evalSteps', 'loggingSteps', 'saveSteps'] as const) {
    if (!(args[name] > 0 && (args[name] < 1 || Number.isInteger(args[name]))))
      fail(
        `${name} of at least 1`,
        String(args[name]),
        'give a whole number, or a share of all steps below 1',
      );
  }
  for (const name of [
    'learningRate',
    'weightDecay',
    'adamEpsilon',
    'maxGradNorm',
    'numTrainEpochs',
    'warmupSteps',
    'evalDelay',
  ] as const) {
    if (!(args[name] >= 0 && Number.isFinite(args[name])))
      fail(`${name} of 0 or more`, String(args[name]), 'give a number');
  }
  for (const name of ['warmupRatio', 'labelSmoothingFactor'] as const) {
    if (!(args[name] >= 0 && args[name] <= 1))
      fail(`${name} from 0 to 1`, String(args[name]), 'give a share');
  }
  for (const name of ['adamBeta1', 'adamBeta2'] as const) {
    if (!(args[name] >= 0 && args[name] < 1))
      fail(`${name} from 0 up to, not including, 1`, String(args[name]), 'the defaults are 0.9 and 0.999');
  }
  for (const name of ['seed', 'dataSeed', 'maxSteps'] as const) {
    if (!Number.isSafeInteger(args[name])) fail(`${name}, a whole number`, String(args[name]), 'round it');
  }
  if (args.saveTotalLimit !== undefined && !(args.saveTotalLimit >= 1)) {
    fail('saveTotalLimit of at least 1', String(args.saveTotalLimit), 'leave it out to keep all checkpoints');
  }
}

const intervals = ['no', 'steps', 'epoch'];

function checkStrategies(args: ResolvedArguments): void {
  if (typeof args.outputDir !== 'string' || args.outputDir === '') {
    fail('outputDir, the folder for checkpoints', JSON.stringify(args.outputDir), 'name a folder');
  }
  for (const [name, choices] of [
    ['evalStrategy', intervals],
    ['loggingStrategy', intervals],
    ['saveStrategy', [...intervals, 'best']],
  ] as const) {
    if (!choices.includes(args[name]))
      fail(`${name} of ${choices.join(', ')}`, String(args[name]), 'choose one of these');
  }
  const targets = typeof args.reportTo === 'string' ? [] : args.reportTo;
  const stray = targets.find((target) => target !== 'tensorboard' && target !== 'jsonl');
  if (
    stray !== undefined ||
    (typeof args.reportTo === 'string' && !['all', 'none'].includes(args.reportTo))
  ) {
    fail(
      'reportTo of all, none, or a list of tensorboard, jsonl',
      String(args.reportTo),
      'choose among these',
    );
  }
  if (args.loadBestModelAtEnd && args.saveStrategy !== 'best' && args.saveStrategy !== args.evalStrategy) {
    fail(
      'saveStrategy and evalStrategy alike, so that the best model is there to be loaded',
      `${args.saveStrategy} and ${args.evalStrategy}`,
      'set both to steps or both to epoch',
    );
  }
  if ((args.loadBestModelAtEnd || args.saveStrategy === 'best') && args.evalStrategy === 'no') {
    fail('an evalStrategy, to know the best model', 'no', 'set evalStrategy to steps or epoch');
  }
  const { saveSteps, evalSteps } = args;
  const shares = saveSteps < 1 || evalSteps < 1;
  if (args.loadBestModelAtEnd && args.saveStrategy === 'steps' && !shares && saveSteps % evalSteps !== 0) {
    fail(
      'saveSteps to be a multiple of evalSteps',
      `${saveSteps} and ${evalSteps}`,
      'save only where there is an evaluation',
    );
  }
}

function fail(expected: string, received: string, remedy: string): never {
  throw new ConfigError({ operation: 'TrainingArguments', expected, received, remedy });
}
