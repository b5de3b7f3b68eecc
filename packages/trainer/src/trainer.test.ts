import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs';
import { TrainingError } from '@weft/errors';
import { GPT2LMHeadModel } from '@weft/gpt2';
import { closeTo, expectClose, readFixture } from '@weft/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  dataCollatorForLanguageModeling,
  decayedKeys,
  EarlyStoppingCallback,
  learningRateSchedule,
  type SchedulerType,
  Trainer,
  type TrainerCallback,
  type TrainingArguments,
} from './index.js';

const fixture = readFixture(new URL('../fixtures/trainer.safetensors', import.meta.url));
const tiny = fileURLToPath(new URL('../../gpt2/fixtures/tiny', import.meta.url));
const noDropout = { resid_pdrop: 0, embd_pdrop: 0, attn_pdrop: 0 };
const collate = dataCollatorForLanguageModeling({ tokenizer: { padTokenId: 95 }, mlm: false });
const rows = Array.from({ length: 24 }, (_, i) => [
  ...fixture.tensor('rows').data.slice(i * 12, (i + 1) * 12),
]);
const examples = (fixture.meta.order as number[]).map((i) => ({ inputIds: rows[i]! }));
const inOrder = (): number[] => [...examples.keys()];

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'weft-trainer-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const load = (): Promise<GPT2LMHeadModel> => GPT2LMHeadModel.fromPretrained(tiny, { config: noDropout });
const base: TrainingArguments = {
  outputDir: '',
  perDeviceTrainBatchSize: 4,
  learningRate: 1e-3,
  weightDecay: 0.01,
  loggingSteps: 1,
  saveStrategy: 'no',
  disableProgress: true,
};

interface RecordedRun {
  logs: Record<string, number>[];
  trainLoss: number;
  evalLoss: number;
  norms: Record<string, number>;
  decayed: string[];
}

describe('against transformers', () => {
  const runs = fixture.meta.runs as Record<string, RecordedRun>;
  const ragged = (fixture.meta.ragged as number[][]).map((inputIds) => ({ inputIds }));
  const args: Record<string, Partial<TrainingArguments>> = {
    linear: { maxSteps: 20, warmupSteps: 5 },
    accumulated: {
      numTrainEpochs: 5,
      gradientAccumulationSteps: 4,
      lrSchedulerType: 'cosine',
      maxGradNorm: 0.3,
    },
    smoothed: { maxSteps: 6, labelSmoothingFactor: 0.1, lrSchedulerType: 'constant' },
    ragged: {
      numTrainEpochs: 2,
      perDeviceTrainBatchSize: 2,
      gradientAccumulationSteps: 5,
      learningRate: 5e-3,
      weightDecay: 0.5,
      warmupRatio: 0.3,
      lrSchedulerType: 'inverseSqrt',
      adamBeta1: 0.8,
      adamBeta2: 0.95,
      adamEpsilon: 1e-6,
    },
  };

  it.each(Object.keys(args))('the %s run has the same losses, norms, rates and parameters', async (name) => {
    using model = await load();
    const data = name === 'ragged' ? ragged : examples;
    const trainer = new Trainer({
      model,
      args: { ...base, ...args[name], outputDir: join(folder, name) },
      trainDataset: data,
      evalDataset: data.slice(0, 5),
      dataCollator: collate,
      sampler: inOrder,
    });
    const { trainingLoss } = await trainer.train();
    const { eval_loss: evalLoss } = await trainer.evaluate();
    const expected = runs[name]!;
    const logs = trainer.state.logHistory.filter(({ loss }) => loss !== undefined);
    expect(logs).toHaveLength(expected.logs.length);
    const same = (key: string, tolerance: { atol: number; rtol: number }): void => {
      const pick = (entries: Record<string, number>[]): number[] => entries.map((entry) => entry[key]!);
      expectClose(pick(logs), pick(expected.logs), tolerance, key);
    };
    same('loss', { atol: 2e-4, rtol: 0 });
    same('grad_norm', closeTo.gradients);
    same('learning_rate', { atol: 1e-12, rtol: 1e-9 });
    same('epoch', { atol: 1e-12, rtol: 0 });
    expectClose([trainingLoss], [expected.trainLoss], { atol: 1e-4, rtol: 0 }, 'train_loss');
    // Python divides by all labels, weft by those that are predicted: all but the first of each text.
    const labels = data.slice(0, 5).reduce((sum, { inputIds }) => sum + inputIds.length, 0);
    const share = args[name]!.labelSmoothingFactor ? 1 : (labels - 5) / labels;
    expectClose([evalLoss! * share], [expected.evalLoss], { atol: 1e-4, rtol: 0 }, 'eval_loss');
    const norms = Object.fromEntries(
      model.namedParameters().map(([key, value]) => [key, tf.tidy(() => tf.norm(value).dataSync()[0]!)]),
    );
    const keys = Object.keys(norms);
    expect(keys.sort()).toEqual(Object.keys(expected.norms).sort());
    const list = (from: Record<string, number>): number[] => keys.map((key) => from[key]!);
    expectClose(list(norms), list(expected.norms), { atol: 1e-4, rtol: 1e-3 }, 'norms of parameters');
    expect([...decayedKeys(model)].sort()).toEqual(
      // Python names the tied word embeddings twice.
      expected.decayed.filter((key) => key !== 'lm_head.weight').sort(),
    );
  });

  const schedules = fixture.meta.schedules as Record<SchedulerType, number[]>;
  it.each(Object.keys(schedules) as SchedulerType[])('the %s schedule is the same', (type) => {
    const kwargs: Record<string, Record<string, number>> = {
      polynomial: { power: 2, lrEnd: 1e-5 },
      cosine_with_restarts: { numCycles: 2 },
    };
    const options = { warmupSteps: 4, totalSteps: 20, learningRate: 1e-3, kwargs: kwargs[type] ?? {} };
    const share = learningRateSchedule(type, options);
    const rates = schedules[type].map((_, step) => 1e-3 * share(step));
    expectClose(rates, schedules[type], { atol: 1e-12, rtol: 1e-9 });
  });
});

describe('checkpoints', () => {
  const saving = { ...base, maxSteps: 12, saveStrategy: 'steps', saveSteps: 4, loggingSteps: 3 } as const;
  const train = async (
    outputDir: string,
    more: Partial<TrainingArguments> = {},
    callbacks: TrainerCallback[] = [],
    resume?: boolean,
  ): Promise<Trainer<{ inputIds: number[] }>> => {
    using model = await GPT2LMHeadModel.fromPretrained(tiny);
    const trainer = new Trainer({
      model,
      args: { ...saving, outputDir, ...more },
      trainDataset: examples,
      dataCollator: collate,
      callbacks,
    });
    await trainer.train(resume ? { resumeFromCheckpoint: true } : {});
    return trainer;
  };

  it('goes on bit for bit, dropout included', async () => {
    const [whole, parts] = [join(folder, 'whole'), join(folder, 'parts')];
    await train(whole);
    const stop: TrainerCallback = {
      onSave: () => {
        throw new Error('power cut');
      },
    };
    await expect(train(parts, {}, [stop])).rejects.toThrow('power cut');
    const resumed = await train(parts, {}, [], true);
    for (const file of [
      'model.safetensors',
      'optimizer.safetensors',
      'training_progress.json',
      'trainer_state.json',
    ]) {
      const read = (dir: string): Buffer => readFileSync(join(dir, 'checkpoint-12', file));
      expect(read(parts).equals(read(whole)), file).toBe(true);
    }
    expect(resumed.state.globalStep).toBe(12);
  });

  it('writes over the checkpoints of an earlier run in the same folder', async () => {
    const outputDir = join(folder, 'again');
    await train(outputDir);
    const first = readFileSync(join(outputDir, 'checkpoint-12', 'model.safetensors'));
    await train(outputDir, { learningRate: 5e-3 });
    const second = readFileSync(join(outputDir, 'checkpoint-12', 'model.safetensors'));
    expect(second.equals(first)).toBe(false);
    expect(readdirSync(outputDir).filter((name) => name.startsWith('.'))).toEqual([]);
  });

  it('keeps the newest and always the best', async () => {
    const outputDir = join(folder, 'rotation');
    const worsening: TrainerCallback = {};
    let calls = 0;
    using model = await load();
    const trainer = new Trainer({
      model,
      args: {
        ...saving,
        outputDir,
        evalStrategy: 'steps',
        evalSteps: 4,
        saveTotalLimit: 2,
        loadBestModelAtEnd: true,
        metricForBestModel: 'score',
      },
      trainDataset: examples,
      evalDataset: examples.slice(0, 4),
      dataCollator: collate,
      computeMetrics: () => ({ score: 10 - calls++ }),
      callbacks: [worsening],
    });
    await trainer.train();
    expect(readdirSync(outputDir).sort()).toEqual(['checkpoint-12', 'checkpoint-4']);
    expect(trainer.state.bestModelCheckpoint).toContain('checkpoint-4');
    using best = await GPT2LMHeadModel.fromPretrained(join(outputDir, 'checkpoint-4'));
    expect(model.transformer.wte.weight.dataSync()).toEqual(best.transformer.wte.weight.dataSync());
  });

  it('stops when the metric no longer improves', async () => {
    using model = await load();
    let calls = 0;
    const trainer = new Trainer({
      model,
      args: {
        ...base,
        outputDir: join(folder, 'early'),
        maxSteps: 20,
        evalStrategy: 'steps',
        evalSteps: 2,
        metricForBestModel: 'score',
      },
      trainDataset: examples,
      evalDataset: examples.slice(0, 4),
      dataCollator: collate,
      computeMetrics: () => ({ score: -calls++ }),
      callbacks: [new EarlyStoppingCallback({ patience: 2 })],
    });
    await trainer.train();
    expect(trainer.state.globalStep).toBe(6);
  });

  it('saves and says how to go on when it is interrupted', async () => {
    const outputDir = join(folder, 'aborted');
    using model = await load();
    const controller = new AbortController();
    const trainer = new Trainer({
      model,
      args: { ...saving, outputDir },
      trainDataset: examples,
      dataCollator: collate,
      callbacks: [{ onStepEnd: ({ state }) => (state.globalStep === 3 ? controller.abort() : undefined) }],
    });
    await expect(trainer.train({ signal: controller.signal })).rejects.toThrow(/resumeFromCheckpoint/);
    expect(existsSync(join(outputDir, 'checkpoint-3', 'trainer_state.json'))).toBe(true);
  });
});

describe('robustness', () => {
  it('stops at a loss that is not finite, names the step and changes nothing', async () => {
    using model = await load();
    const trainer = new Trainer({
      model,
      args: { ...base, outputDir: join(folder, 'nan'), maxSteps: 8, learningRate: 0 },
      trainDataset: examples,
      dataCollator: collate,
      callbacks: [
        {
          onStepEnd: ({ state }) => {
            if (state.globalStep === 2) model.transformer.ln_f.weight.assign(tf.fill([32], Number.NaN));
          },
        },
      ],
    });
    const error = await trainer.train().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(TrainingError);
    expect((error as TrainingError).step).toBe(3);
  });

  it.each([
    [{ learningRate: -1 }, /learningRate/],
    [{ saveTotalLimit: 0 }, /saveTotalLimit/],
    [{ lrSchedulerType: 'steep' }, /lrSchedulerType/],
    [{ epochs: 3 }, /epochs/],
    [{ loadBestModelAtEnd: true, saveStrategy: 'steps' }, /evalStrategy/],
  ])('refuses %o', async (wrong, message) => {
    using model = await load();
    expect(() => new Trainer({ model, args: { ...base, outputDir: folder, ...(wrong as object) } })).toThrow(
      message,
    );
  });

  it('leaks no tensor over 100 steps, evaluations included', async () => {
    using model = await load();
    const trainer = new Trainer({
      model,
      args: { ...base, outputDir: join(folder, 'leak'), maxSteps: 100, evalStrategy: 'steps', evalSteps: 50 },
      trainDataset: examples,
      evalDataset: examples.slice(0, 5),
      dataCollator: collate,
    });
    const before = tf.memory().numTensors;
    await trainer.train();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('evaluates to the mean loss over examples', async () => {
    using model = await load();
    const args = { ...base, outputDir: folder, perDeviceEvalBatchSize: 3 };
    const trainer = new Trainer({ model, args, evalDataset: examples.slice(0, 5), dataCollator: collate });
    const { eval_loss: loss } = await trainer.evaluate();
    const each = examples
      .slice(0, 5)
      .map(({ inputIds }) => model.forward({ inputIds: [inputIds], labels: [inputIds] }));
    const mean = each.reduce((sum, out) => sum + out.loss!.dataSync()[0]! / 5, 0);
    expectClose([loss!], [mean], closeTo.models);
  });
});
