import { resolve } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { dropoutState, type Module } from '@weft/attention';
import { SafetensorsFile } from '@weft/checkpoint';
import { ConfigError, TrainingError } from '@weft/errors';
import { type ResolvedArguments, resolveArguments, type TrainingArguments } from './arguments.js';
import {
  type CallbackContext,
  FlowCallback,
  type TrainerCallback,
  type TrainerControl,
} from './callbacks.js';
import {
  checkpointFiles,
  listCheckpoints,
  type Progress,
  readCheckpoint,
  removeLeftovers,
  rotateCheckpoints,
  writeCheckpoint,
} from './checkpoints.js';
import { defaultDataCollator } from './collators.js';
import { type Batch, type DataCollator, type Dataset, toBatches } from './dataset.js';
import { type ComputeMetrics, evaluationLoop, type PredictionOutput } from './evaluation.js';
import { LogFilesCallback } from './log-files.js';
import { AdamW } from './optimizer.js';
import { ProgressCallback } from './progress.js';
import { lengthGroupedOrder, shuffledOrder } from './samplers.js';
import { learningRateSchedule, type Schedule } from './schedules.js';
import type { LogEntry, TrainerState } from './state.js';
import { trainingStep } from './training-step.js';

/** What the trainer needs of a model. */
export interface TrainableModel extends Module {
  /** Takes a batch, gives at least the loss where the batch has labels. */
  forward(inputs: never): { loss?: tf.Scalar; logits?: tf.Tensor };
  savePretrained(folder: string): Promise<void>;
  /** True when forward takes `lossReduction: 'sum'`, so that accumulation can divide by the labels of a window. */
  readonly acceptsLossReduction?: boolean;
}

export interface TrainerOptions<Example> {
  model: TrainableModel;
  args: TrainingArguments;
  trainDataset?: Dataset<Example>;
  evalDataset?: Dataset<Example>;
  /** Default: puts examples of one shape together. */
  dataCollator?: DataCollator<Example>;
  computeMetrics?: ComputeMetrics;
  callbacks?: readonly TrainerCallback[];
  /** The order of examples in an epoch, the same each time it is asked. Default: shuffled, or grouped by length. */
  sampler?: (epoch: number) => readonly number[];
}

export interface TrainOptions {
  /** A checkpoint's folder, or true for the newest in outputDir. */
  resumeFromCheckpoint?: string | boolean;
  /** Saves a checkpoint and stops after the step under way. */
  signal?: AbortSignal;
}

export interface TrainOutput {
  globalStep: number;
  /** Mean loss over all steps. */
  trainingLoss: number;
  metrics: LogEntry;
}

/**
 * Trains and evaluates a model, after Hugging Face's Trainer: AdamW, schedules, accumulation, clipping,
 * evaluation, logs, checkpoints from which a run goes on bit for bit.
 *
 * @throws ConfigError for arguments that make no sense, TrainingError when a loss is not finite
 */
export class Trainer<Example = Record<string, unknown>> {
  readonly model: TrainableModel;
  readonly args: ResolvedArguments;
  state: TrainerState;
  #options: TrainerOptions<Example>;
  #collate: DataCollator<Example>;
  #callbacks: TrainerCallback[];
  #control: TrainerControl = newControl();
  #progress: Progress = { dropout: dropoutState.get(), totalLoss: 0, recentLoss: 0, lastLoggedStep: 0 };
  #lastGradNorm = 0;
  #lastRate = 0;

  constructor(options: TrainerOptions<Example>) {
    this.model = options.model;
    this.args = resolveArguments(options.args);
    this.#options = options;
    this.#collate = options.dataCollator ?? (defaultDataCollator as unknown as DataCollator<Example>);
    this.#callbacks = [
      new FlowCallback(),
      new ProgressCallback(),
      new LogFilesCallback(),
      ...(options.callbacks ?? []),
    ];
    this.state = this.#newState();
  }

  async train({ resumeFromCheckpoint, signal }: TrainOptions = {}): Promise<TrainOutput> {
    const { args } = this;
    const dataset = this.#require('trainDataset');
    const perEpoch = toBatches(
      shuffledOrder(dataset.length, 0, 0),
      args.perDeviceTrainBatchSize,
      args.dataloaderDropLast,
    );
    const stepsPerEpoch = Math.ceil(perEpoch.length / args.gradientAccumulationSteps);
    const maxSteps = args.maxSteps > 0 ? args.maxSteps : Math.ceil(args.numTrainEpochs * stepsPerEpoch);
    const epochs = args.maxSteps > 0 ? Math.ceil(maxSteps / stepsPerEpoch) : Math.ceil(args.numTrainEpochs);
    this.state = { ...this.#newState(), maxSteps, numTrainEpochs: epochs };
    this.#control = newControl();
    this.#progress = {
      dropout: { seed: args.seed, offset: 0 },
      totalLoss: 0,
      recentLoss: 0,
      lastLoggedStep: 0,
    };

    const optimizer = new AdamW(this.model, {
      weightDecay: args.weightDecay,
      beta1: args.adamBeta1,
      beta2: args.adamBeta2,
      epsilon: args.adamEpsilon,
    });
    try {
      await removeLeftovers(args.outputDir);
      const folder = await this.#checkpointToResume(resumeFromCheckpoint);
      if (folder !== undefined) await this.#restore(folder, optimizer, maxSteps, epochs);
      dropoutState.set(this.#progress.dropout);
      return await this.#run(dataset, optimizer, stepsPerEpoch, signal);
    } finally {
      this.model.eval();
      optimizer.dispose();
    }
  }

  /** Loss and metrics on a data set, named with the prefix `eval_`. */
  async evaluate(
    dataset: Dataset<Example> = this.#require('evalDataset'),
    prefix = 'eval',
  ): Promise<LogEntry> {
    const { metrics } = await this.#evaluationLoop(dataset, prefix);
    await this.#log(metrics);
    await this.#call('onEvaluate', metrics);
    return metrics;
  }

  /** Predictions for a data set, with loss and metrics where it has labels. */
  predict(dataset: Dataset<Example>, prefix = 'test'): Promise<PredictionOutput> {
    return this.#evaluationLoop(dataset, prefix);
  }

  /** Writes the model, by default into outputDir. */
  saveModel(folder: string = this.args.outputDir): Promise<void> {
    return this.model.savePretrained(folder);
  }

  async #run(
    dataset: Dataset<Example>,
    optimizer: AdamW,
    stepsPerEpoch: number,
    signal: AbortSignal | undefined,
  ): Promise<TrainOutput> {
    const { args, state } = this;
    const schedule = this.#schedule(state.maxSteps);
    const started = performance.now();
    const firstStep = state.globalStep;
    await this.#call('onTrainBegin');
    if (args.evalOnStart && firstStep === 0) await this.evaluate();
    const firstEpoch = Math.floor(state.globalStep / stepsPerEpoch);
    for (let epoch = firstEpoch; epoch < state.numTrainEpochs && !this.#control.shouldTrainingStop; epoch++) {
      await this.#call('onEpochBegin');
      this.#control.shouldEpochStop = false;
      const windows = this.#windows(dataset, epoch);
      // A resumed epoch begins after the windows that were done before.
      for (let window = state.globalStep - epoch * stepsPerEpoch; window < windows.length; window++) {
        this.#step(dataset, windows[window]!, optimizer, schedule);
        state.epoch = epoch + (window + 1) / stepsPerEpoch;
        await this.#call('onStepEnd');
        if (signal?.aborted) await this.#stopEarly(optimizer, signal);
        await this.#act(optimizer);
        await tf.nextFrame();
        if (this.#control.shouldTrainingStop || this.#control.shouldEpochStop) break;
      }
      await this.#call('onEpochEnd');
      await this.#act(optimizer);
    }
    return this.#finish(started, firstStep);
  }

  /** One optimizer step over the batches of one accumulation window. */
  #step(dataset: Dataset<Example>, window: readonly number[][], optimizer: AdamW, schedule: Schedule): void {
    const { args, state } = this;
    const rate = args.learningRate * schedule(state.globalStep);
    const batches = window.map((indices) => this.#batch(dataset, indices));
    this.model.train();
    const { loss, gradNorm } = trainingStep(this.model, batches, optimizer, rate, args);
    if (!Number.isFinite(loss)) throw this.#notFinite(loss);
    state.globalStep++;
    this.#progress.totalLoss += loss;
    this.#progress.recentLoss += loss;
    this.#lastGradNorm = gradNorm;
    this.#lastRate = rate;
  }

  #notFinite(loss: number): TrainingError {
    const step = this.state.globalStep + 1;
    return new TrainingError({
      operation: 'train',
      expected: 'a finite loss',
      received: `${loss} at step ${step}; the parameters are still those of step ${this.state.globalStep}`,
      remedy:
        'lower the learning rate, warm up longer or look at the data of this step; the last checkpoint is good',
      step,
    });
  }

  /** Does what callbacks have asked for: log, evaluate, save. */
  async #act(optimizer: AdamW): Promise<void> {
    const control = this.#control;
    if (control.shouldLog && this.state.globalStep > this.#progress.lastLoggedStep) await this.#logTraining();
    let metrics: LogEntry | undefined;
    if (control.shouldEvaluate) {
      metrics = await this.evaluate();
      if (this.#noteBest(metrics) && this.args.saveStrategy === 'best') control.shouldSave = true;
    }
    if (control.shouldSave) await this.#save(optimizer);
    control.shouldLog = control.shouldEvaluate = control.shouldSave = false;
  }

  async #logTraining(): Promise<void> {
    const { state } = this;
    const steps = state.globalStep - this.#progress.lastLoggedStep;
    const entry = {
      loss: round(this.#progress.recentLoss / steps, 4),
      grad_norm: this.#lastGradNorm,
      learning_rate: this.#lastRate,
    };
    this.#progress.recentLoss = 0;
    this.#progress.lastLoggedStep = state.globalStep;
    await this.#log(entry);
  }

  async #log(values: LogEntry): Promise<void> {
    const entry = { ...values, epoch: round(this.state.epoch, 4) };
    this.state.logHistory.push({ ...entry, step: this.state.globalStep });
    await this.#call('onLog', entry);
  }

  /** Takes note of an evaluation that is the best so far. */
  #noteBest(metrics: LogEntry): boolean {
    const { metricForBestModel, greaterIsBetter } = this.args;
    if (metricForBestModel === undefined) return false;
    const name = metricForBestModel.startsWith('eval_') ? metricForBestModel : `eval_${metricForBestModel}`;
    const value = metrics[name];
    if (value === undefined) {
      throw new ConfigError({
        operation: 'Trainer',
        expected: `metricForBestModel to be one of ${Object.keys(metrics).join(', ')}`,
        received: metricForBestModel,
        remedy: 'return it from computeMetrics, or choose another',
      });
    }
    const { bestMetric } = this.state;
    if (bestMetric !== null && (greaterIsBetter ? value <= bestMetric : value >= bestMetric)) return false;
    this.state.bestMetric = value;
    this.state.bestGlobalStep = this.state.globalStep;
    return true;
  }

  async #save(optimizer: AdamW): Promise<string> {
    const { args, state } = this;
    if (state.bestGlobalStep === state.globalStep) {
      state.bestModelCheckpoint = resolve(args.outputDir, `checkpoint-${state.globalStep}`);
    }
    this.#progress.dropout = dropoutState.get();
    const folder = await writeCheckpoint(args.outputDir, state, this.#progress, async (temporary) => {
      await this.model.savePretrained(temporary);
      await optimizer.save(resolve(temporary, checkpointFiles.optimizer));
    });
    await rotateCheckpoints(resolve(args.outputDir), args.saveTotalLimit, state.bestModelCheckpoint);
    await this.#call('onSave', folder);
    return folder;
  }

  async #stopEarly(optimizer: AdamW, signal: AbortSignal): Promise<never> {
    const folder = await this.#save(optimizer);
    await this.#call('onTrainEnd');
    throw new TrainingError({
      operation: 'train',
      expected: 'to reach the last step',
      received: `an interrupt after step ${this.state.globalStep}; all is saved in ${folder}`,
      remedy: 'call train with resumeFromCheckpoint: true to go on from there',
      step: this.state.globalStep,
      cause: signal.reason,
    });
  }

  async #finish(started: number, firstStep: number): Promise<TrainOutput> {
    const { args, state } = this;
    const seconds = (performance.now() - started) / 1000;
    const steps = state.globalStep - firstStep;
    const trainingLoss = state.globalStep === 0 ? 0 : this.#progress.totalLoss / state.globalStep;
    const samples = steps * args.perDeviceTrainBatchSize * args.gradientAccumulationSteps;
    const metrics = {
      train_runtime: round(seconds, 4),
      train_samples_per_second: round(samples / seconds, 3),
      train_steps_per_second: round(steps / seconds, 3),
      train_loss: trainingLoss,
    };
    if (args.loadBestModelAtEnd && state.bestModelCheckpoint !== null)
      this.#loadWeights(state.bestModelCheckpoint);
    await this.#log(metrics);
    await this.#call('onTrainEnd');
    return { globalStep: state.globalStep, trainingLoss, metrics };
  }

  async #checkpointToResume(wanted: string | boolean | undefined): Promise<string | undefined> {
    if (typeof wanted === 'string') return wanted;
    if (wanted !== true) return undefined;
    const newest = (await listCheckpoints(this.args.outputDir)).at(-1);
    if (newest) return newest.folder;
    throw new TrainingError({
      operation: 'resume training',
      expected: `a checkpoint in ${this.args.outputDir}`,
      received: 'none',
      remedy: 'start without resumeFromCheckpoint',
    });
  }

  async #restore(folder: string, optimizer: AdamW, maxSteps: number, numTrainEpochs: number): Promise<void> {
    const { state, progress } = await readCheckpoint(folder);
    this.state = { ...state, maxSteps, numTrainEpochs };
    this.#progress = progress;
    this.#loadWeights(folder);
    optimizer.load(resolve(folder, checkpointFiles.optimizer));
  }

  #loadWeights(folder: string): void {
    using file = new SafetensorsFile(resolve(folder, 'model.safetensors'));
    for (const [key, parameter] of this.model.namedParameters()) {
      tf.tidy(() => parameter.assign(tf.tensor(file.readFloat32(key), parameter.shape)));
    }
  }

  #schedule(maxSteps: number): Schedule {
    const { args } = this;
    return learningRateSchedule(args.lrSchedulerType, {
      warmupSteps: args.warmupSteps > 0 ? args.warmupSteps : Math.ceil(maxSteps * args.warmupRatio),
      totalSteps: maxSteps,
      learningRate: args.learningRate,
      kwargs: args.lrSchedulerKwargs,
    });
  }

  /** The accumulation windows of an epoch: each a list of batches, each a list of examples. */
  #windows(dataset: Dataset<Example>, epoch: number): number[][][] {
    const { args } = this;
    const batches = toBatches(
      this.#order(dataset, epoch),
      args.perDeviceTrainBatchSize,
      args.dataloaderDropLast,
    );
    const windows: number[][][] = [];
    for (let i = 0; i < batches.length; i += args.gradientAccumulationSteps) {
      windows.push(batches.slice(i, i + args.gradientAccumulationSteps));
    }
    return windows;
  }

  #order(dataset: Dataset<Example>, epoch: number): readonly number[] {
    const { groupByLength, perDeviceTrainBatchSize, gradientAccumulationSteps, dataSeed } = this.args;
    if (this.#options.sampler) return this.#options.sampler(epoch);
    if (!groupByLength) return shuffledOrder(dataset.length, dataSeed, epoch);
    const batchSize = perDeviceTrainBatchSize * gradientAccumulationSteps;
    return lengthGroupedOrder(this.#lengths(dataset), batchSize, dataSeed, epoch);
  }

  #lengthsOfDataset: number[] | undefined;

  #lengths(dataset: Dataset<Example>): number[] {
    this.#lengthsOfDataset ??= Array.from({ length: dataset.length }, (_, i) => {
      const example = dataset.at(i) as Record<string, unknown>;
      const stated = example[this.args.lengthColumnName];
      const length =
        typeof stated === 'number' ? stated : (example.inputIds as ArrayLike<number> | undefined)?.length;
      if (length !== undefined) return length;
      throw new ConfigError({
        operation: 'Trainer',
        expected: `inputIds or ${this.args.lengthColumnName} in every example, to group by length`,
        received: `example ${i} without`,
        remedy: 'name the field by lengthColumnName, or turn groupByLength off',
      });
    });
    return this.#lengthsOfDataset;
  }

  #batch(dataset: Dataset<Example>, indices: readonly number[]): Batch {
    return this.#collate(indices.map((index) => dataset.at(index)!));
  }

  #evaluationLoop(dataset: Dataset<Example>, prefix: string): Promise<PredictionOutput> {
    const order = Array.from({ length: dataset.length }, (_, i) => i);
    const batches = toBatches(order, this.args.perDeviceEvalBatchSize, false);
    const { computeMetrics } = this.#options;
    return evaluationLoop(this.model, batches.length, (i) => this.#batch(dataset, batches[i]!), {
      prefix,
      keepPredictions: !this.args.predictionLossOnly && (computeMetrics !== undefined || prefix !== 'eval'),
      onStep: (done) => this.#call('onPredictionStep', done, batches.length),
      ...(computeMetrics ? { computeMetrics } : {}),
    });
  }

  #require(name: 'trainDataset' | 'evalDataset'): Dataset<Example> {
    const dataset = this.#options[name];
    if (dataset !== undefined && dataset.length > 0) return dataset;
    throw new ConfigError({
      operation: 'Trainer',
      expected: `${name} with at least one example`,
      received: dataset === undefined ? 'none' : 'an empty one',
      remedy: `pass ${name}`,
    });
  }

  #newState(): TrainerState {
    const { args } = this;
    return {
      epoch: 0,
      globalStep: 0,
      maxSteps: 0,
      numTrainEpochs: 0,
      trainBatchSize: args.perDeviceTrainBatchSize,
      loggingSteps: args.loggingSteps,
      evalSteps: args.evalSteps,
      saveSteps: args.saveSteps,
      logHistory: [],
      bestMetric: null,
      bestGlobalStep: null,
      bestModelCheckpoint: null,
    };
  }

  async #call(hook: keyof TrainerCallback, ...values: unknown[]): Promise<void> {
    const context: CallbackContext = { args: this.args, state: this.state, control: this.#control };
    for (const callback of this.#callbacks) {
      const method = callback[hook] as
        | ((context: CallbackContext, ...values: unknown[]) => void | Promise<void>)
        | undefined;
      await method?.call(callback, context, ...values);
    }
  }
}

const newControl = (): TrainerControl => ({
  shouldTrainingStop: false,
  shouldEpochStop: false,
  shouldLog: false,
  shouldEvaluate: false,
  shouldSave: false,
});

function round(value: number, digits: number): number {
  return Math.round(value * 10 ** digits) / 10 ** digits;
}
