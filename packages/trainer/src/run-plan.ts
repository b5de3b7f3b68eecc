import { ConfigError } from '@weft/errors';
import type { ResolvedArguments } from './arguments.js';
import type { TrainerState } from './state.js';

/** How long a run is. */
export interface RunPlan {
  maxSteps: number;
  numTrainEpochs: number;
  /** Batches that an epoch counts as: those of the data set, or where that is unknown those of the whole run. */
  batchesPerEpoch: number;
}

/**
 * Steps and epochs of a run: T = ceil(epochs x ceil(batches / accumulation)), unless maxSteps says otherwise. A
 * window that is short at the end of an epoch is a step.
 *
 * @param batches of an epoch, undefined where unknown
 */
export function planRun(args: ResolvedArguments, batches: number | undefined): RunPlan {
  const accumulation = args.gradientAccumulationSteps;
  if (batches === undefined) {
    if (args.maxSteps > 0) {
      const { maxSteps } = args;
      return {
        maxSteps,
        numTrainEpochs: Number.MAX_SAFE_INTEGER,
        batchesPerEpoch: maxSteps * accumulation,
      };
    }
    throw new ConfigError({
      operation: 'Trainer',
      expected: 'maxSteps, since the training data tell no length',
      received: 'none',
      remedy: 'set maxSteps, or give a data set with length and at',
    });
  }
  const stepsPerEpoch = Math.max(1, Math.ceil(batches / accumulation));
  const maxSteps = args.maxSteps > 0 ? args.maxSteps : Math.ceil(args.numTrainEpochs * stepsPerEpoch);
  const numTrainEpochs =
    args.maxSteps > 0 ? Math.ceil(maxSteps / stepsPerEpoch) : Math.ceil(args.numTrainEpochs);
  return { maxSteps, numTrainEpochs, batchesPerEpoch: batches };
}

/** The state at the start of a run; intervals that are shares of all steps become steps. */
export function initialState(args: ResolvedArguments, { maxSteps, numTrainEpochs }: RunPlan): TrainerState {
  const steps = (interval: number): number => (interval < 1 ? Math.ceil(interval * maxSteps) : interval);
  return {
    epoch: 0,
    globalStep: 0,
    maxSteps,
    numTrainEpochs,
    trainBatchSize: args.perDeviceTrainBatchSize,
    loggingSteps: steps(args.loggingSteps),
    evalSteps: steps(args.evalSteps),
    saveSteps: steps(args.saveSteps),
    logHistory: [],
    bestMetric: null,
    bestGlobalStep: null,
    bestModelCheckpoint: null,
    statefulCallbacks: {},
  };
}
