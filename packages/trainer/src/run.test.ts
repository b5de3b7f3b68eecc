import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { Module } from '@weft/attention';
import { TrainingError } from '@weft/errors';
import { GPT2LMHeadModel, gpt2ConfigSchema } from '@weft/gpt2';
import { readFixture } from '@weft/testing';
import { describe, expect, it } from 'vitest';
import { examples, folder, losses, newModel, sizes, trainerOf } from '../test/small-trainer.js';
import {
  EarlyStoppingCallback,
  type LogEntry,
  listCheckpoints,
  stateFromJson,
  stateToJson,
  type TokenizedExample,
  Trainer,
  type TrainerCallback,
  type TrainingArguments,
} from './index.js';

const { meta } = readFixture(new URL('../fixtures/trainer.safetensors', import.meta.url));

/** Learns the mean of labels that are not -100, and divides by their number even where it is 0. */
class OneNumber extends Module {
  readonly value = tf.variable(tf.scalar(0), true, 'value');

  forward({ labels }: { labels: number[][] }): { loss: tf.Scalar } {
    const known = labels.flat().filter((label) => label !== -100);
    const errors = known.map((label) => tf.squaredDifference(this.value, label));
    return { loss: tf.div(errors.length > 0 ? tf.addN(errors) : tf.mul(this.value, 0), known.length) };
  }

  async savePretrained(): Promise<void> {}
}

describe('a run', () => {
  it('evaluates at the end of an epoch that a checkpoint cut off', async () => {
    const outputDir = join(folder, 'epoch-end');
    const args = {
      outputDir,
      numTrainEpochs: 2,
      saveStrategy: 'steps',
      saveSteps: 5,
      evalStrategy: 'epoch',
    } as const;
    const more = { evalDataset: examples.slice(0, 3) };
    const whole = trainerOf(newModel(), { ...args, outputDir: join(folder, 'epoch-end-whole') }, more);
    await whole.train();
    const cut: TrainerCallback = {
      onSave: () => {
        throw new Error('cut');
      },
    };
    await expect(trainerOf(newModel(), args, { ...more, callbacks: [cut] }).train()).rejects.toThrow('cut');
    const resumed = trainerOf(newModel(), args, more);
    await resumed.train({ resumeFromCheckpoint: join(outputDir, 'checkpoint-5') });
    const evaluations = ({ state }: typeof whole): unknown[] =>
      state.logHistory
        .filter(({ eval_loss: loss }) => loss !== undefined)
        .map(({ eval_loss, step }) => [step, eval_loss]);
    expect(evaluations(whole)).toHaveLength(2);
    expect(evaluations(resumed)).toEqual(evaluations(whole));
    // The run is at its end: to go on from there changes nothing and fails nothing.
    const again = trainerOf(newModel(), args, more);
    const { globalStep } = await again.train({ resumeFromCheckpoint: true });
    expect(globalStep).toBe(10);
  });

  it('keeps the patience of early stopping over a resume, and its best checkpoint when the folder moves', async () => {
    const scores = [5, 4, 3, 2, 1];
    const args = {
      maxSteps: 10,
      saveStrategy: 'steps',
      saveSteps: 1,
      evalStrategy: 'steps',
      evalSteps: 1,
      loadBestModelAtEnd: true,
      metricForBestModel: 'score',
      saveTotalLimit: 1,
    } as const;
    const run = (outputDir: string, from: number, callbacks: TrainerCallback[]): Trainer<TokenizedExample> =>
      trainerOf(
        newModel(),
        { ...args, outputDir },
        {
          evalDataset: examples.slice(0, 2),
          callbacks: [new EarlyStoppingCallback({ patience: 3 }), ...callbacks],
          computeMetrics: () => ({ score: scores[from++]! }),
        },
      );
    const [before, after] = [join(folder, 'stay'), join(folder, 'moved')];
    const cut: TrainerCallback = {
      onStepEnd({ state }) {
        if (state.globalStep === 3) throw new Error('cut');
      },
    };
    await expect(run(before, 0, [cut]).train()).rejects.toThrow('cut');
    renameSync(before, after);
    const resumed = run(after, 2, []);
    await resumed.train({ resumeFromCheckpoint: true });
    expect(resumed.state.globalStep).toBe(4);
    expect(resumed.state.bestModelCheckpoint).toBe(join(after, 'checkpoint-1'));
    expect(readdirSync(after).sort()).toEqual(['checkpoint-1', 'checkpoint-4']);
  });

  it('takes shares of all steps as intervals', async () => {
    const trainer = trainerOf(newModel(), { maxSteps: 9, loggingSteps: 0.3 });
    await trainer.train();
    expect(trainer.state.loggingSteps).toBe(3);
    expect(losses(trainer)).toHaveLength(3);
  });

  it('calls hooks in order, the last also after a failure', async () => {
    const calls: string[] = [];
    const hooks = [
      'onTrainBegin',
      'onEpochBegin',
      'onStepEnd',
      'onLog',
      'onEvaluate',
      'onSave',
      'onEpochEnd',
      'onTrainEnd',
    ];
    const noting = Object.fromEntries(
      hooks.map((name) => [name, () => void calls.push(name)]),
    ) as TrainerCallback;
    const args = { maxSteps: 1, saveStrategy: 'steps', evalStrategy: 'steps', evalSteps: 1 } as const;
    await trainerOf(newModel(), args, { callbacks: [noting], evalDataset: examples.slice(0, 2) }).train();
    expect(calls.join(' ')).toBe(
      'onTrainBegin onEpochBegin onStepEnd onLog onLog onEvaluate onSave onEpochEnd onLog onTrainEnd',
    );
    calls.length = 0;
    const failing: TrainerCallback = {
      onStepEnd: () => {
        throw new Error('no');
      },
    };
    await expect(trainerOf(newModel(), args, { callbacks: [noting, failing] }).train()).rejects.toThrow('no');
    expect(calls.at(-1)).toBe('onTrainEnd');
  });

  it('counts a batch without a label as nothing, also where the model divides 0 by 0', async () => {
    const rows = [
      [1, 3],
      [-100, -100],
      [5, -100],
      [-100, -100],
    ];
    const run = async (data: number[][], args: Partial<TrainingArguments>): Promise<[number, LogEntry]> => {
      using model = new OneNumber();
      const trainer = new Trainer<{ labels: number[] }>({
        model,
        args: { outputDir: folder, saveStrategy: 'no', disableProgress: true, learningRate: 0.1, ...args },
        trainDataset: data.map((labels) => ({ labels })),
        evalDataset: data.map((labels) => ({ labels })),
        sampler: () => [...data.keys()],
      });
      await trainer.train();
      return [model.value.dataSync()[0]!, await trainer.evaluate()];
    };
    const single = { perDeviceTrainBatchSize: 1, perDeviceEvalBatchSize: 1, numTrainEpochs: 1 };
    const [value, { eval_loss: loss }] = await run(rows, single);
    expect(Number.isFinite(value) && value > 0).toBe(true);
    expect(Number.isFinite(loss)).toBe(true);
    // In a window that is added up the batches with labels stay: half of each one's gradient, and Adam knows no scale.
    const [windowed] = await run(rows, { ...single, gradientAccumulationSteps: 2 });
    const [alone] = await run(
      [
        [1, 3],
        [5, -100],
      ],
      { ...single, lrSchedulerType: 'linear' },
    );
    expect(windowed).toBeCloseTo(alone, 5);
  });

  it('keeps the last good checkpoint when a loss is not finite', async () => {
    const model = newModel();
    const outputDir = join(folder, 'not-finite');
    const spoil: TrainerCallback = {
      onSave: () => model.transformer.wte.weight.assign(tf.fill([20, 8], Number.POSITIVE_INFINITY)),
    };
    const args = { outputDir, maxSteps: 6, saveStrategy: 'steps', saveSteps: 2 } as const;
    const error = await trainerOf(model, args, { callbacks: [spoil] })
      .train()
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(TrainingError);
    expect((error as TrainingError).step).toBe(3);
    const [good] = await listCheckpoints(outputDir);
    using kept = await GPT2LMHeadModel.fromPretrained(good!.folder);
    expect(kept.transformer.wte.weight.dataSync().every(Number.isFinite)).toBe(true);
  });

  it('refuses checkpoints that are none, or of another model, and changes nothing', async () => {
    const outputDir = join(folder, 'other');
    await trainerOf(newModel(), { outputDir, maxSteps: 1, saveStrategy: 'steps' }).train();
    const larger = new GPT2LMHeadModel(
      gpt2ConfigSchema.parse({ ...sizes, n_embd: 16, bos_token_id: 0, eos_token_id: 0 }),
    );
    const before = larger.transformer.wte.weight.dataSync().slice();
    const resume = { resumeFromCheckpoint: join(outputDir, 'checkpoint-1') };
    await expect(trainerOf(larger, {}).train(resume)).rejects.toThrow(TrainingError);
    expect(larger.transformer.wte.weight.dataSync()).toEqual(before);
    writeFileSync(join(outputDir, 'checkpoint-1', 'trainer_state.json'), '{');
    await expect(trainerOf(newModel(), {}).train(resume)).rejects.toThrow(/checkpoint that a Trainer wrote/);
    await expect(
      trainerOf(newModel(), {}).train({ resumeFromCheckpoint: join(folder, 'nowhere') }),
    ).rejects.toThrow(TrainingError);
    await expect(trainerOf(newModel(), {}).train({ resumeFromCheckpoint: true })).rejects.toThrow(
      /start without resumeFromCheckpoint/,
    );
  });

  it('leaves the optimizer out with saveOnlyModel', async () => {
    const outputDir = join(folder, 'only-model');
    const args = { outputDir, maxSteps: 1, saveStrategy: 'steps', saveOnlyModel: true } as const;
    await trainerOf(newModel(), args).train();
    const checkpoint = join(outputDir, 'checkpoint-1');
    expect(existsSync(join(checkpoint, 'model.safetensors'))).toBe(true);
    expect(existsSync(join(checkpoint, 'optimizer.safetensors'))).toBe(false);
    await expect(trainerOf(newModel(), args).train({ resumeFromCheckpoint: true })).rejects.toThrow(
      TrainingError,
    );
  });

  it('writes the fields that Python writes into trainer_state.json, and reads them back', async () => {
    const outputDir = join(folder, 'state');
    const trainer = trainerOf(newModel(), { outputDir, maxSteps: 2, saveStrategy: 'steps' });
    await trainer.train();
    const file = join(outputDir, 'checkpoint-2', 'trainer_state.json');
    const stored = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
    expect(Object.keys(stored).sort()).toEqual(meta.stateKeys);
    expect(stateToJson(stateFromJson(stored))).toEqual(stored);
  });
});
