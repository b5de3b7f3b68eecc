import type { ResolvedArguments } from './arguments.js';
import type { LogEntry, TrainerState } from './state.js';

/** What a callback may ask the trainer to do. */
export interface TrainerControl {
  shouldTrainingStop: boolean;
  shouldEpochStop: boolean;
  shouldLog: boolean;
  shouldEvaluate: boolean;
  shouldSave: boolean;
}

export interface CallbackContext {
  args: ResolvedArguments;
  state: Readonly<TrainerState>;
  control: TrainerControl;
}

/** Hooks into a training run; every one is optional and may be asynchronous. */
export interface TrainerCallback {
  onTrainBegin?(context: CallbackContext): void | Promise<void>;
  onEpochBegin?(context: CallbackContext): void | Promise<void>;
  onStepEnd?(context: CallbackContext): void | Promise<void>;
  onEpochEnd?(context: CallbackContext): void | Promise<void>;
  onLog?(context: CallbackContext, entry: LogEntry): void | Promise<void>;
  onEvaluate?(context: CallbackContext, metrics: LogEntry): void | Promise<void>;
  onPredictionStep?(context: CallbackContext, done: number, total: number): void | Promise<void>;
  onSave?(context: CallbackContext, folder: string): void | Promise<void>;
  onTrainEnd?(context: CallbackContext): void | Promise<void>;
}

/** Decides after each step and epoch what is due by the arguments' strategies. */
export class FlowCallback implements TrainerCallback {
  onStepEnd({ args, state, control }: CallbackContext): void {
    const due = (every: number): boolean => state.globalStep % every === 0;
    if (args.loggingFirstStep && state.globalStep === 1) control.shouldLog = true;
    if (args.loggingStrategy === 'steps' && due(args.loggingSteps)) control.shouldLog = true;
    if (args.evalStrategy === 'steps' && due(args.evalSteps)) control.shouldEvaluate = true;
    if (args.saveStrategy === 'steps' && due(args.saveSteps)) control.shouldSave = true;
    if (state.globalStep >= state.maxSteps) {
      control.shouldTrainingStop = true;
      if (args.saveStrategy === 'steps') control.shouldSave = true;
    }
  }

  onEpochEnd({ args, control }: CallbackContext): void {
    if (args.loggingStrategy === 'epoch') control.shouldLog = true;
    if (args.evalStrategy === 'epoch') control.shouldEvaluate = true;
    if (args.saveStrategy === 'epoch') control.shouldSave = true;
  }
}

/** Stops when the metric of the best model has not improved by `threshold` over `patience` evaluations. */
export class EarlyStoppingCallback implements TrainerCallback {
  readonly patience: number;
  readonly threshold: number;
  #best: number | undefined;
  #waited = 0;

  constructor({ patience = 1, threshold = 0 }: { patience?: number; threshold?: number } = {}) {
    this.patience = patience;
    this.threshold = threshold;
  }

  onTrainBegin({ state }: CallbackContext): void {
    this.#best = state.bestMetric ?? undefined;
    this.#waited = 0;
  }

  onEvaluate({ args, control }: CallbackContext, metrics: LogEntry): void {
    const name = args.metricForBestModel ?? 'loss';
    const value = metrics[name.startsWith('eval_') ? name : `eval_${name}`];
    if (value === undefined) return;
    const gain =
      this.#best === undefined
        ? Number.POSITIVE_INFINITY
        : (value - this.#best) * (args.greaterIsBetter ? 1 : -1);
    if (gain > this.threshold) {
      this.#best = value;
      this.#waited = 0;
      return;
    }
    this.#waited++;
    if (this.#waited >= this.patience) control.shouldTrainingStop = true;
  }
}
