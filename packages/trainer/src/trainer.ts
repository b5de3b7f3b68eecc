import { resolve } from 'node:path';

import tf = require('@tensorflow/tfjs');

import { dropoutState } from '@weft/attention';
import { ConfigError } from '@weft/errors';
import { type ResolvedArguments, resolveArguments } from './arguments.js';
import { type BatchSource, batchSource, evaluationOrder, trainingOrder, windowsOf } from './batches.js';
import { isBetter, metricValue } from './best-metric.js';
import { CallbackList } from './callback-list.js';
import { FlowCallback, newControl, type TrainerControl } from './callbacks.js';
import {
  checkpointFiles,
  checkpointToResume,
  newProgress,
  type Progress,
  readCheckpoint,
  removeLeftovers,
  rotateCheckpoints,
  whereBestIs,
  writeCheckpoint,
} from './checkpoints.js';
import { defaultDataCollator } from './collators/padding.js';
import { type Batch, type DataCollator, type Dataset, hasLength, type IterableDataset } from './dataset.js';
import { evaluationLoop, forwardStep, type PredictionOutput, type StepPrediction } from './evaluation.js';
import { LogFilesCallback } from './log-files.js';
import { AdamW } from './optimizer.js';
import { ProgressCallback } from './progress.js';
import { initialState, planRun, type RunPlan } from './run-plan.js';
import { learningRateSchedule, type Schedule } from './schedules.js';
import type { LogEntry, TrainerState } from './state.js';
import type { TrainerOptions, TrainOptions, TrainOutput } from './trainer-options.js';
import { interrupted, notFinite } from './training-errors.js';
import { type TrainableModel, trainingStep } from './training-step.js';
import { loadWeights } from './weights.js';

/**
 * Trains and evaluates a model, after Hugging Face's Trainer: AdamW, schedules, accumulation, clipping,
 * evaluation, logs, checkpoints from which a run goes on bit for bit.
 *
 * @throws ConfigError for arguments that make no sense, TrainingError when a loss is not finite
 * @example
 * ```ts
 * import { mkdtempSync } from 'node:fs';
 * import { tmpdir } from 'node:os';
 * import { join } from 'node:path';
 * import { GPT2LMHeadModel, gpt2ConfigSchema } from '@weft/gpt2';
 * import { dataCollatorForLanguageModeling, packIntoBlocks, Trainer } from '@weft/trainer';
 *
 * const sizes = { vocab_size: 10, n_positions: 8, n_embd: 8, n_layer: 1, n_head: 2, bos_token_id: 0, eos_token_id: 0 };
 * using model = new GPT2LMHeadModel(gpt2ConfigSchema.parse(sizes), { seed: 1 });
 * const trainer = new Trainer({
 *   model,
 *   args: { outputDir: mkdtempSync(join(tmpdir(), 'weft-')), maxSteps: 30, learningRate: 0.01, loggingSteps: 10 },
 *   trainDataset: packIntoBlocks([Array.from({ length: 64 }, (_, i) => i % 10)], 8),
 *   dataCollator: dataCollatorForLanguageModeling({ tokenizer: {}, mlm: false }),
 * });
 * await trainer.train();
 * const [first, , last] = trainer.state.logHistory;
 * console.assert(last!.loss! < first!.loss!);
 * ```
 */
export class Trainer<Example = Record<string, unknown>> {
  readonly model: TrainableModel;
  readonly args: ResolvedArguments;
  state: TrainerState;
  #options: TrainerOptions<Example>;
  #collate: DataCollator<Example>;
  #callbacks: CallbackList;
  #control: TrainerControl = newControl();
  #progress: Progress = newProgress(0);
  #lastGradNorm = 0;
  #lastRate = 0;

  constructor(options: TrainerOptions<Example>) {
    this.model = options.model;
    this.args = resolveArguments(options.args);
    this.#options = options;
    this.#collate = options.dataCollator ?? (defaultDataCollator as unknown as DataCollator<Example>);
    const own = [new FlowCallback(), new ProgressCallback(), new LogFilesCallback()];
    this.#callbacks = new CallbackList([...own, ...(options.callbacks ?? [])]);
    this.state = initialState(this.args, { maxSteps: 0, numTrainEpochs: 0, batchesPerEpoch: 0 });
    if (this.args.gradientCheckpointing && !this.model.supportsGradientCheckpointing) {
      throw new ConfigError({
        operation: 'Trainer',
        expected: 'a model that supports gradientCheckpointing',
        received: this.model.constructor.name,
        remedy:
          'leave gradientCheckpointing out; smaller batches with gradientAccumulationSteps save memory too',
      });
    }
  }

  /** Trains to the last step, or until a callback or the signal stops it. */
  async train(options: TrainOptions = {}): Promise<TrainOutput> {
    const { args } = this;
    const { resumeFromCheckpoint = args.resumeFromCheckpoint, signal } = options;
    const source = this.#trainingBatches();
    const plan = planRun(args, source.length);
    this.state = initialState(args, plan);
    this.#control = newControl();
    this.#progress = newProgress(args.seed);

    const optimizer = new AdamW(this.model, {
      weightDecay: args.weightDecay,
      beta1: args.adamBeta1,
      beta2: args.adamBeta2,
      epsilon: args.adamEpsilon,
      learningRateFactor: this.#options.learningRateFactor,
    });
    let begun = false;
    try {
      const folder = await checkpointToResume(args.outputDir, resumeFromCheckpoint);
      if (folder !== undefined) await this.#restore(folder, optimizer, plan);
      await removeLeftovers(args.outputDir);
      dropoutState.set(this.#progress.dropout);
      begun = true;
      const output = await this.#run(source, optimizer, plan, signal);
      begun = false;
      return output;
    } finally {
      this.model.eval();
      optimizer.dispose();
      if (begun) await this.#call('onTrainEnd');
    }
  }

  /** Loss and metrics on a data set, named with the prefix `eval_`. */
  async evaluate(
    dataset: Dataset<Example> | IterableDataset<Example> = this.#require('evalDataset'),
    prefix = 'eval',
  ): Promise<LogEntry> {
    const keep = !this.args.predictionLossOnly && this.#options.computeMetrics !== undefined;
    const { metrics } = await this.#evaluationLoop(dataset, prefix, keep);
    await this.#log(metrics);
    await this.#call('onEvaluate', metrics);
    return metrics;
  }

  /** Predictions for a data set, with loss and metrics where it has labels. */
  async predict(
    dataset: Dataset<Example> | IterableDataset<Example>,
    prefix = 'test',
  ): Promise<PredictionOutput> {
    const output = await this.#evaluationLoop(dataset, prefix, !this.args.predictionLossOnly);
    await this.#call('onPredict', output.metrics);
    return output;
  }

  /** Writes the model, by default into outputDir. */
  saveModel(folder: string = this.args.outputDir): Promise<void> {
    return this.model.savePretrained(folder);
  }

  /** Loss and predictions of one batch; a subclass may predict in its own way. */
  protected async predictionStep(batch: Batch, keepPredictions: boolean): Promise<StepPrediction> {
    const { preprocessLogitsForMetrics } = this.#options;
    return forwardStep(this.model, batch, {
      keepLogits: keepPredictions,
      labelSmoothing: this.args.labelSmoothingFactor,
      ...(preprocessLogitsForMetrics ? { preprocessLogits: preprocessLogitsForMetrics } : {}),
    });
  }

  async #run(
    source: BatchSource,
    optimizer: AdamW,
    plan: RunPlan,
    signal: AbortSignal | undefined,
  ): Promise<TrainOutput> {
    const { args, state } = this;
    const progress = this.#progress;
    const control = this.#control;
    const started = performance.now();
    const firstStep = state.globalStep;
    await this.#call('onTrainBegin');
    if (args.evalOnStart && firstStep === 0) await this.evaluate();
    // A run that was saved within its last epoch still has that epoch's end before it.
    const goesOn = (): boolean => state.globalStep < state.maxSteps || progress.windows > 0;
    while (progress.epoch < state.numTrainEpochs && goesOn() && !control.shouldTrainingStop) {
      await this.#call('onEpochBegin');
      control.shouldEpochStop = false;
      await this.#runEpoch(source, optimizer, plan, signal);
      progress.epoch++;
      progress.windows = 0;
      await this.#call('onEpochEnd');
      await this.#act(optimizer);
    }
    return this.#finish(started, firstStep);
  }

  async #runEpoch(
    source: BatchSource,
    optimizer: AdamW,
    { batchesPerEpoch }: RunPlan,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const { state } = this;
    const progress = this.#progress;
    const accumulation = this.args.gradientAccumulationSteps;
    if (state.globalStep >= state.maxSteps) return;
    const schedule = this.#schedule(state.maxSteps);
    const batches = source.epoch(progress.epoch, progress.windows * accumulation);
    for await (const window of windowsOf(batches, accumulation)) {
      if (signal?.aborted) await this.#stopEarly(optimizer, signal);
      this.#step(window, optimizer, schedule);
      progress.windows++;
      const done = Math.min(progress.windows * accumulation, batchesPerEpoch);
      state.epoch = progress.epoch + done / batchesPerEpoch;
      await this.#call('onStepEnd');
      await this.#act(optimizer);
      if (signal?.aborted) await this.#stopEarly(optimizer, signal);
      await tf.nextFrame();
      if (this.#control.shouldTrainingStop || this.#control.shouldEpochStop) break;
    }
  }

  /** One optimizer step over the batches of one accumulation window. */
  #step(window: readonly Batch[], optimizer: AdamW, schedule: Schedule): void {
    const { args, state } = this;
    const rate = args.learningRate * schedule(state.globalStep);
    this.model.train();
    const { loss, gradNorm } = trainingStep(this.model, window, optimizer, rate, args);
    tf.dispose(window.flatMap((batch) => Object.values(batch).filter((value) => value instanceof tf.Tensor)));
    if (!Number.isFinite(loss)) throw notFinite('loss', loss, state.globalStep);
    if (!Number.isFinite(gradNorm)) throw notFinite('norm of the gradients', gradNorm, state.globalStep);
    state.globalStep++;
    this.#progress.totalLoss += loss;
    this.#progress.recentLoss += loss;
    this.#lastGradNorm = gradNorm;
    this.#lastRate = rate;
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
      loss: Number((this.#progress.recentLoss / steps).toFixed(4)),
      grad_norm: this.#lastGradNorm,
      learning_rate: this.#lastRate,
    };
    this.#progress.recentLoss = 0;
    this.#progress.lastLoggedStep = state.globalStep;
    await this.#log(entry);
  }

  async #log(values: LogEntry): Promise<void> {
    const entry = { ...values, epoch: this.state.epoch };
    this.state.logHistory.push({ ...entry, step: this.state.globalStep });
    await this.#call('onLog', entry);
  }

  /** Takes note of an evaluation that is the best so far. */
  #noteBest(metrics: LogEntry): boolean {
    const { metricForBestModel, greaterIsBetter } = this.args;
    if (metricForBestModel === undefined) return false;
    const value = metricValue(metrics, metricForBestModel);
    if (!isBetter(value, this.state.bestMetric, greaterIsBetter)) return false;
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
    state.statefulCallbacks = this.#callbacks.saveStates();
    const folder = await writeCheckpoint(args.outputDir, state, this.#progress, async (temporary) => {
      await this.model.savePretrained(temporary);
      if (!args.saveOnlyModel) await optimizer.save(resolve(temporary, checkpointFiles.optimizer));
    });
    this.#savedStep = state.globalStep;
    await rotateCheckpoints(resolve(args.outputDir), args.saveTotalLimit, state.bestModelCheckpoint);
    await this.#call('onSave', folder);
    return folder;
  }

  #savedStep = -1;

  async #stopEarly(optimizer: AdamW, signal: AbortSignal): Promise<never> {
    const { globalStep } = this.state;
    const saved = this.#savedStep === globalStep;
    const folder = saved
      ? resolve(this.args.outputDir, `checkpoint-${globalStep}`)
      : await this.#save(optimizer);
    throw interrupted(globalStep, folder, signal.reason);
  }

  async #finish(started: number, firstStep: number): Promise<TrainOutput> {
    const { args, state } = this;
    const seconds = (performance.now() - started) / 1000;
    const steps = state.globalStep - firstStep;
    const trainingLoss = state.globalStep === 0 ? 0 : this.#progress.totalLoss / state.globalStep;
    const samples = steps * args.perDeviceTrainBatchSize * args.gradientAccumulationSteps;
    const metrics = {
      train_runtime: Number(seconds.toFixed(4)),
      train_samples_per_second: Number((samples / seconds).toFixed(3)),
      train_steps_per_second: Number((steps / seconds).toFixed(3)),
      train_loss: trainingLoss,
    };
    if (args.loadBestModelAtEnd && state.bestModelCheckpoint !== null)
      await loadWeights(this.model, state.bestModelCheckpoint);
    await this.#log(metrics);
    await this.#call('onTrainEnd');
    return { globalStep: state.globalStep, trainingLoss, metrics };
  }

  async #restore(folder: string, optimizer: AdamW, { maxSteps, numTrainEpochs }: RunPlan): Promise<void> {
    const { args } = this;
    const { state, progress } = await readCheckpoint(folder);
    const { loggingSteps, evalSteps, saveSteps } = this.state;
    this.state = { ...state, maxSteps, numTrainEpochs, loggingSteps, evalSteps, saveSteps };
    this.#progress = progress;
    this.state.bestModelCheckpoint = whereBestIs(state.bestModelCheckpoint, args.outputDir);
    this.#callbacks.loadStates(state.statefulCallbacks);
    optimizer.load(resolve(folder, checkpointFiles.optimizer));
    await loadWeights(this.model, folder);
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

  #trainingBatches(): BatchSource {
    const { args } = this;
    const dataset = this.#require('trainDataset');
    const inOrder = (): never[] => [];
    return batchSource(dataset, {
      collate: this.#collate,
      batchSize: args.perDeviceTrainBatchSize,
      dropLast: args.dataloaderDropLast,
      seed: args.dataSeed,
      training: true,
      order: this.#options.sampler ?? (hasLength(dataset) ? trainingOrder(dataset, args) : inOrder),
    });
  }

  #evaluationLoop(
    dataset: Dataset<Example> | IterableDataset<Example>,
    prefix: string,
    keepPredictions: boolean,
  ): Promise<PredictionOutput> {
    const { args } = this;
    const { computeMetrics } = this.#options;
    const order = hasLength(dataset) ? evaluationOrder(dataset, args) : undefined;
    const source = batchSource(dataset, {
      collate: this.#collate,
      batchSize: args.perDeviceEvalBatchSize,
      dropLast: false,
      seed: args.dataSeed,
      training: false,
      order: () => order ?? [],
    });
    return evaluationLoop(this.model, source.epoch(0, 0), {
      prefix,
      ...(order ? { order } : {}),
      step: (batch) => this.predictionStep(batch, keepPredictions),
      onStep: (done) => this.#call('onPredictionStep', done, source.length),
      ...(computeMetrics && keepPredictions ? { computeMetrics } : {}),
    });
  }

  #require(name: 'trainDataset' | 'evalDataset'): Dataset<Example> | IterableDataset<Example> {
    const dataset = this.#options[name];
    if (dataset !== undefined && !(hasLength(dataset) && dataset.length === 0)) return dataset;
    throw new ConfigError({
      operation: 'Trainer',
      expected: `${name} with at least one example`,
      received: dataset === undefined ? 'none' : 'an empty one',
      remedy: `pass ${name}`,
    });
  }

  #call(hook: Parameters<CallbackList['call']>[0], ...values: unknown[]): Promise<void> {
    const context = { args: this.args, state: this.state, control: this.#control };
    return this.#callbacks.call(hook, context, values);
  }
}
