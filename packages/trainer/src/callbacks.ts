import { ConfigError } from '@weft/errors';
import type { ResolvedArguments } from './arguments.js';
import type { CallbackState, LogEntry, TrainerState } from './state.js';

/** What a callback may ask the trainer to do. */
export interface TrainerControl {
  shouldTrainingStop: boolean;
  shouldEpochStop: boolean;
  shouldLog: boolean;
  shouldEvaluate: boolean;
  shouldSave: boolean;
}

export const newControl = (): TrainerControl => ({
  shouldTrainingStop: false,
  shouldEpochStop: false,
  shouldLog: false,
  shouldEvaluate: false,
  shouldSave: false,
});

export interface CallbackContext {
  args: ResolvedArguments;
  state: Readonly<TrainerState>;
  control: TrainerControl;
}

/**
 * Hooks into a training run; every one is optional and may be asynchronous. `control` asks the trainer to log,
 * evaluate, save or stop.
 *
 * @example
 * ```ts
 * import type { TrainerCallback } from '@weft/trainer';
 *
 * const stopAtLowLoss: TrainerCallback = {
 *   onLog({ control }, { loss }) {
 *     if (loss !== undefined && loss < 0.1) control.shouldTrainingStop = true;
 *   },
 * };
 * console.assert(stopAtLowLoss.onLog !== undefined);
 * ```
 */
export interface TrainerCallback {
  /** The name under which `saveState` is kept in trainer_state.json. */
  readonly name?: string;
  /** What a resumed run needs of this callback. */
  saveState?(): CallbackState;
  loadState?(state: CallbackState): void;
  onTrainBegin?(context: CallbackContext): void | Promise<void>;
  onEpochBegin?(context: CallbackContext): void | Promise<void>;
  onStepEnd?(context: CallbackContext): void | Promise<void>;
  onEpochEnd?(context: CallbackContext): void | Promise<void>;
  onLog?(context: CallbackContext, entry: LogEntry): void | Promise<void>;
  onEvaluate?(context: CallbackContext, metrics: LogEntry): void | Promise<void>;
  onPredictionStep?(context: CallbackContext, done: number, total: number): void | Promise<void>;
  onSave?(context: CallbackContext, folder: string): void | Promise<void>;
  onPredict?(context: CallbackContext, metrics: LogEntry): void | Promise<void>;
  /** Also when training fails, so that what was opened can be closed. */
  onTrainEnd?(context: CallbackContext): void | Promise<void>;
}

/** Decides after each step and epoch what is due by the arguments' strategies. */
export class FlowCallback implements TrainerCallback {
  onStepEnd({ args, state, control }: CallbackContext): void {
    const step = state.globalStep;
    if (args.loggingFirstStep && step === 1) control.shouldLog = true;
    if (args.loggingStrategy === 'steps' && step % state.loggingSteps === 0) control.shouldLog = true;
    if (args.evalStrategy === 'steps' && step % state.evalSteps === 0 && step >= args.evalDelay)
      control.shouldEvaluate = true;
    if (args.saveStrategy === 'steps' && step % state.saveSteps === 0) control.shouldSave = true;
    if (step >= state.maxSteps) {
      control.shouldTrainingStop = true;
      if (args.saveStrategy === 'steps') control.shouldSave = true;
    }
  }

  onEpochEnd({ args, state, control }: CallbackContext): void {
    if (args.loggingStrategy === 'epoch') control.shouldLog = true;
    if (args.evalStrategy === 'epoch' && state.epoch >= args.evalDelay) control.shouldEvaluate = true;
    if (args.saveStrategy === 'epoch') control.shouldSave = true;
  }
}

/**
 * Stops when `metricForBestModel` has not been better than the best one by more than `threshold` for `patience`
 * evaluations in a row. A resumed run goes on counting.
 *
 * @example
 * ```ts
 * import { EarlyStoppingCallback } from '@weft/trainer';
 *
 * const callback = new EarlyStoppingCallback({ patience: 3, threshold: 0.001 });
 * console.assert(callback.patience === 3);
 * ```
 */
export class EarlyStoppingCallback implements TrainerCallback {
  readonly name = 'EarlyStoppingCallback';
  readonly patience: number;
  readonly threshold: number;
  #waited = 0;

  constructor({ patience = 1, threshold = 0 }: { patience?: number; threshold?: number } = {}) {
    this.patience = patience;
    this.threshold = threshold;
  }

  onTrainBegin({ args }: CallbackContext): void {
    if (args.metricForBestModel !== undefined && args.evalStrategy !== 'no') return;
    throw new ConfigError({
      operation: 'EarlyStoppingCallback',
      expected: 'metricForBestModel and an evalStrategy',
      received: `${args.metricForBestModel} and ${args.evalStrategy}`,
      remedy: 'say which metric to watch and when to evaluate',
    });
  }

  onEvaluate({ args, state, control }: CallbackContext, metrics: LogEntry): void {
    const name = args.metricForBestModel ?? 'loss';
    const value = metrics[name.startsWith('eval_') ? name : `eval_${name}`];
    if (value === undefined) return;
    // The best so far is still the one before this evaluation.
    const best = state.bestMetric;
    const gain = best === null ? Number.POSITIVE_INFINITY : (value - best) * (args.greaterIsBetter ? 1 : -1);
    this.#waited = gain > this.threshold ? 0 : this.#waited + 1;
    if (this.#waited >= this.patience) control.shouldTrainingStop = true;
  }

  saveState(): CallbackState {
    return {
      args: { early_stopping_patience: this.patience, early_stopping_threshold: this.threshold },
      attributes: { early_stopping_patience_counter: this.#waited },
    };
  }

  loadState({ attributes }: CallbackState): void {
    this.#waited = Number(attributes.early_stopping_patience_counter ?? 0);
  }
}
