import { join } from 'node:path';
import { DataError, TrainingError } from '@weft/errors';
import { readFixture } from '@weft/testing';
import { describe, expect, it } from 'vitest';
import { collate, examples, folder, losses, newModel, trainerOf } from '../test/small-trainer.js';
import {
  type CollateContext,
  type DataCollator,
  groupByLength,
  shuffledOrder,
  type TokenizedExample,
  type TrainerCallback,
} from './index.js';

const { meta } = readFixture(new URL('../fixtures/trainer.safetensors', import.meta.url));

describe('data sets', () => {
  async function* stream(): AsyncGenerator<TokenizedExample> {
    for (const example of examples) yield example;
  }
  const streamed = { [Symbol.asyncIterator]: stream };
  const inOrder = (): number[] => [...examples.keys()];

  it('are read one after the other, or when asked for, to the same losses', async () => {
    const wanted = trainerOf(newModel(), { maxSteps: 8 }, { sampler: inOrder });
    await wanted.train();
    const asked = { length: examples.length, at: async (i: number) => examples[i] };
    for (const more of [{ trainDataset: streamed }, { trainDataset: asked, sampler: inOrder }]) {
      const trainer = trainerOf(newModel(), { maxSteps: 8 }, more);
      await trainer.train();
      expect(losses(trainer)).toEqual(losses(wanted));
    }
  });

  it('that are streamed go on after an interrupt', async () => {
    const args = { maxSteps: 8, outputDir: join(folder, 'streamed') };
    const whole = trainerOf(newModel(), { maxSteps: 8 }, { trainDataset: streamed });
    await whole.train();
    const controller = new AbortController();
    const stop: TrainerCallback = {
      onStepEnd: ({ state }) => (state.globalStep === 7 ? controller.abort() : undefined),
    };
    const first = trainerOf(newModel(), args, { trainDataset: streamed, callbacks: [stop] });
    await expect(first.train({ signal: controller.signal })).rejects.toThrow(TrainingError);
    const second = trainerOf(newModel(), { ...args, resumeFromCheckpoint: true }, { trainDataset: streamed });
    await second.train();
    expect(losses(second)).toEqual(losses(whole));
  });

  it('that are streamed need maxSteps, and a start anew in each epoch', async () => {
    await expect(trainerOf(newModel(), {}, { trainDataset: streamed }).train()).rejects.toThrow(/maxSteps/);
    const once = trainerOf(newModel(), { maxSteps: 8 }, { trainDataset: stream() });
    await expect(once.train()).rejects.toThrow(DataError);
  });

  it('that are empty, or end too early, are told', async () => {
    await expect(trainerOf(newModel(), {}, { trainDataset: [] }).train()).rejects.toThrow(
      /at least one example/,
    );
    const short = trainerOf(newModel(), {}, { sampler: () => [99] });
    await expect(short.train()).rejects.toThrow(DataError);
    await expect(trainerOf(newModel(), {}).evaluate()).rejects.toThrow(/evalDataset/);
  });

  it('tell collators where a batch stands', async () => {
    const places: CollateContext[] = [];
    const noting: DataCollator<TokenizedExample> = (each, context) => {
      places.push(context!);
      return collate(each);
    };
    const args = { numTrainEpochs: 2, gradientAccumulationSteps: 2, dataSeed: 5 };
    const trainer = trainerOf(newModel(), args, { dataCollator: noting, evalDataset: examples.slice(0, 1) });
    await trainer.train();
    await trainer.evaluate();
    expect(places.map(({ epoch, batch }) => `${epoch}.${batch}`).join(' ')).toBe(
      '0.0 0.1 0.2 0.3 0.4 1.0 1.1 1.2 1.3 1.4 0.0',
    );
    expect(places.at(-1)).toEqual({ seed: 5, epoch: 0, batch: 0, training: false });
  });

  const groups = meta.lengthGroups as {
    lengths: number[];
    batchSize: number;
    order: number[];
    expected: number[];
  }[];
  it.each(groups)('are grouped by length as in Python, batches of $batchSize', (each) => {
    expect(groupByLength(each.order, each.lengths, each.batchSize)).toEqual(each.expected);
  });

  it('are shuffled by seed and epoch', () => {
    const order = shuffledOrder(50, 1, 0);
    expect([...order].sort((a, b) => a - b)).toEqual([...Array(50).keys()]);
    expect(order).toEqual(shuffledOrder(50, 1, 0));
    expect(order).not.toEqual(shuffledOrder(50, 1, 1));
    expect(order).not.toEqual(shuffledOrder(50, 2, 0));
  });
});
