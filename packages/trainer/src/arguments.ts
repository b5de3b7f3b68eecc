import { ConfigError } from '@weft/errors';
import { isSchedulerType, type SchedulerType, schedulerTypes } from './schedules.js';

export type IntervalStrategy = 'no' | 'steps' | 'epoch';

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
  /** Compute activations again in the backward pass, to save memory; for models that can. */
  gradientCheckpointing?: boolean;
  /** Default: 5e-5. */
  learningRate?: number;
  /** Default: linear. */
  lrSchedulerType?: SchedulerType;
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
  /** Default: loggingSteps. */
  evalSteps?: number;
  evalOnStart?: boolean;
  /** Default: steps. */
  loggingStrategy?: IntervalStrategy;
  /** Default: 500. */
  loggingSteps?: number;
  loggingFirstStep?: boolean;
  /** Where event files for TensorBoard and train.jsonl go; none without it. */
  loggingDir?: string;
  /** Default: steps. */
  saveStrategy?: IntervalStrategy | 'best';
  /** Default: 500. */
  saveSteps?: number;
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
  /** Batches of examples of like length, for less padding. */
  groupByLength?: boolean;
  /** The field of an example that holds its length; else the length of inputIds counts. Default: length. */
  lengthColumnName?: string;
  dataloaderDropLast?: boolean;
  /** Do not keep predictions, only the loss. */
  predictionLossOnly?: boolean;
  disableProgress?: boolean;
}

export type ResolvedArguments = Required<
  Omit<TrainingArguments, 'loggingDir' | 'saveTotalLimit' | 'metricForBestModel' | 'evalSteps'>
> &
  Pick<TrainingArguments, 'loggingDir' | 'saveTotalLimit' | 'metricForBestModel'> & { evalSteps: number };

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
  evalOnStart: false,
  loggingStrategy: 'steps',
  loggingSteps: 500,
  loggingFirstStep: false,
  saveStrategy: 'steps',
  saveSteps: 500,
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
] as const;

/**
 * Fills in defaults and checks every value.
 *
 * @throws ConfigError that names the argument, for unknown ones too
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
  const resolved: ResolvedArguments = {
    ...merged,
    dataSeed: merged.dataSeed ?? merged.seed,
    evalSteps: merged.evalSteps ?? merged.loggingSteps,
    greaterIsBetter: merged.greaterIsBetter ?? !(metric ?? 'loss').endsWith('loss'),
    ...(metric === undefined ? {} : { metricForBestModel: metric }),
  };
  check(resolved);
  return resolved;
}

function check(args: ResolvedArguments): void {
  if (typeof args.outputDir !== 'string' || args.outputDir === '') {
    fail('outputDir, the folder for checkpoints', JSON.stringify(args.outputDir), 'name a folder');
  }
  for (const name of [
    ...(['perDeviceTrainBatchSize', 'perDeviceEvalBatchSize', 'gradientAccumulationSteps'] as const),
    ...(['evalSteps', 'loggingSteps', 'saveSteps'] as const),
  ]) {
    if (!Number.isInteger(args[name]) || args[name] < 1)
      fail(`${name} of at least 1`, String(args[name]), 'count in whole numbers');
  }
  for (const name of [
    'learningRate',
    'weightDecay',
    'adamEpsilon',
    'maxGradNorm',
    'numTrainEpochs',
    'warmupSteps',
  ] as const) {
    if (!(args[name] >= 0 && Number.isFinite(args[name])))
      fail(`${name} of 0 or more`, String(args[name]), 'give a number');
  }
  for (const name of ['adamBeta1', 'adamBeta2', 'warmupRatio', 'labelSmoothingFactor'] as const) {
    if (!(args[name] >= 0 && args[name] <= 1))
      fail(`${name} from 0 to 1`, String(args[name]), 'give a share');
  }
  if (!isSchedulerType(args.lrSchedulerType)) {
    fail(
      `lrSchedulerType of ${schedulerTypes.join(', ')}`,
      String(args.lrSchedulerType),
      'choose one of these',
    );
  }
  if (args.saveTotalLimit !== undefined && !(args.saveTotalLimit >= 1)) {
    fail('saveTotalLimit of at least 1', String(args.saveTotalLimit), 'leave it out to keep all checkpoints');
  }
  if (args.loadBestModelAtEnd && args.saveStrategy !== 'best' && args.saveStrategy !== args.evalStrategy) {
    fail(
      'saveStrategy and evalStrategy alike, so that the best model is there to be loaded',
      `${args.saveStrategy} and ${args.evalStrategy}`,
      'set both to steps or both to epoch',
    );
  }
  const { saveSteps, evalSteps } = args;
  if (args.loadBestModelAtEnd && args.saveStrategy === 'steps' && saveSteps % evalSteps !== 0) {
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
