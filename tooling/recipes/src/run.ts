import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Module } from '@weft/attention';
import { saveWeights, writeJsonAtomic } from '@weft/checkpoint';
import { listCheckpoints, type TrainableModel, type Trainer, type TrainerCallback } from '@weft/trainer';

/** What every recipe is told. */
export interface RunOptions {
  /** Folder of the run: checkpoints, logs, the model, report.json. */
  out: string;
  signal: AbortSignal;
}

/** Time spent on a run over all the processes that worked on it. */
export interface Effort {
  /** By the clock, other work of the machine included. */
  seconds: number;
  /** Of all threads, in user mode and in the kernel. */
  cpuSeconds: number;
}

/** Adds up the time of a run in a file beside its checkpoints, at each of them, so that a kill loses neither. */
export class EffortCallback implements TrainerCallback {
  #file: string;
  #before: Effort;
  #started = performance.now();
  #cpuStarted = process.cpuUsage();

  constructor(folder: string) {
    this.#file = join(folder, 'effort.json');
    this.#before = existsSync(this.#file)
      ? (JSON.parse(readFileSync(this.#file, 'utf8')) as Effort)
      : { seconds: 0, cpuSeconds: 0 };
  }

  get effort(): Effort {
    const { user, system } = process.cpuUsage(this.#cpuStarted);
    return {
      seconds: Math.round(this.#before.seconds + (performance.now() - this.#started) / 1e3),
      cpuSeconds: Math.round(this.#before.cpuSeconds + (user + system) / 1e6),
    };
  }

  async onSave(): Promise<void> {
    await writeJsonAtomic(this.#file, this.effort);
  }
}

/** Trains, going on from the newest checkpoint of the folder where one stands; gives the steps in all. */
export async function trainOrResume<Example>(
  trainer: Trainer<Example>,
  { out, signal }: RunOptions,
): Promise<number> {
  const resumeFromCheckpoint = (await listCheckpoints(out)).length > 0;
  const { globalStep } = await trainer.train({ resumeFromCheckpoint, signal });
  return globalStep;
}

/** Number of parameters, in millions to two decimals. */
export function millions(model: TrainableModel): number {
  const count = model.parameters().reduce((sum, { size }) => sum + size, 0);
  return Math.round(count / 1e4) / 100;
}

/** Writes all parameters under their own keys, for models that exist in training alone. */
export async function saveParameters(model: Module, folder: string): Promise<void> {
  const tensors = model.namedParameters().map(([key, parameter]) => {
    const data = parameter.dataSync<'float32'>();
    return [key, { dtype: 'F32' as const, shape: parameter.shape, data }] as const;
  });
  await saveWeights(folder, Object.fromEntries(tensors));
}
