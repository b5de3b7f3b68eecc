import { join } from 'node:path';
import type { Tokenizer } from '@weft/tokenizer';
import type {
  GeneratingModel,
  LogEntry,
  TokenizedExample,
  Trainer,
  TrainerCallback,
  TrainingArguments,
  TrainOutput,
} from '@weft/trainer';
import { ChartsCallback } from '../charts/history.js';
import type { Task } from '../tasks/task.js';
import { withLastCheckpoint } from './output-folder.js';

export interface FineTuneOptions {
  args: TrainingArguments;
  resume: boolean;
  patience?: number | undefined;
  threshold?: number | undefined;
  signal: AbortSignal;
}

export interface FineTuned {
  output: TrainOutput;
  /** Of the model that is saved; empty without data to judge on. */
  metrics: LogEntry;
  best: number | null;
}

/** Trains a task's model and saves it with its tokenizer, charts and results in the arguments' folder. */
export async function fineTune(
  task: Task,
  tokenizer: Tokenizer,
  options: FineTuneOptions,
): Promise<FineTuned> {
  const { outputDir } = options.args;
  const trainer = await trainerOf(task, tokenizer, options);
  const output = await withLastCheckpoint(outputDir, () =>
    trainer.train({ signal: options.signal, ...(options.resume ? { resumeFromCheckpoint: true } : {}) }),
  );
  const metrics = task.evaluation.length > 0 ? await finalMetrics(trainer) : {};
  await task.model.savePretrained(outputDir);
  await tokenizer.savePretrained(outputDir);
  const { writeJsonAtomic } = await import('@weft/checkpoint');
  await writeJsonAtomic(join(outputDir, 'all_results.json'), { ...output.metrics, ...metrics });
  return { output, metrics, best: trainer.state.bestMetric };
}

/** Of the model as it is now: those of the last evaluation, unless steps or a better checkpoint came after it. */
async function finalMetrics(trainer: Trainer<TokenizedExample>): Promise<LogEntry> {
  const { state, args } = trainer;
  const last = state.logHistory.findLast((entry) => entry.eval_loss !== undefined);
  const isLast = last?.step === state.globalStep;
  const isKept = !args.loadBestModelAtEnd || state.bestGlobalStep === state.globalStep;
  if (!last || !isLast || !isKept) return trainer.evaluate();
  const { step: _, epoch: __, ...metrics } = last;
  return metrics;
}

async function trainerOf(
  task: Task,
  tokenizer: Tokenizer,
  { args, patience, threshold }: FineTuneOptions,
): Promise<Trainer<TokenizedExample>> {
  const { EarlyStoppingCallback, Seq2SeqTrainer, Trainer: TrainerClass } = await import('@weft/trainer');
  const charts = new ChartsCallback(args.outputDir);
  // A checkpoint is a model to use: its tokenizer goes with it.
  const withTokenizer: TrainerCallback = {
    onSave: async (_, folder) => void (await tokenizer.savePretrained(folder)),
  };
  const stopping =
    patience === undefined
      ? []
      : [new EarlyStoppingCallback({ patience, ...(threshold === undefined ? {} : { threshold }) })];
  const shared = {
    trainDataset: task.train,
    ...(task.evaluation.length > 0 ? { evalDataset: task.evaluation } : {}),
    dataCollator: task.collate,
    ...(task.computeMetrics ? { computeMetrics: task.computeMetrics } : {}),
    callbacks: [charts, withTokenizer, ...stopping],
  };
  if (!task.generate) return new TrainerClass<TokenizedExample>({ ...shared, model: task.model, args });
  const { maxLength, numBeams } = task.generate;
  return new Seq2SeqTrainer<TokenizedExample>({
    ...shared,
    model: task.model as GeneratingModel,
    args: {
      ...args,
      predictWithGenerate: true,
      generationMaxLength: maxLength,
      ...(numBeams === undefined ? {} : { generationNumBeams: numBeams }),
    },
  });
}
