import * as tf from '@tensorflow/tfjs';
import { ConfigError } from '@weft/errors';
import { closeTo, expectClose } from '@weft/testing';
import { describe, expect, it } from 'vitest';
import { collate, examples, folder, newModel, trainerOf } from '../test/small-trainer.js';
import { Seq2SeqTrainer } from './index.js';

describe('predictions', () => {
  it('come one an example, less where logits are reduced first, and leave no tensor behind', async () => {
    using model = newModel();
    const trainer = trainerOf(model, { perDeviceEvalBatchSize: 3 });
    const before = tf.memory().numTensors;
    const { predictions, shapes, labels, metrics } = await trainer.predict(examples.slice(0, 4));
    expect(tf.memory().numTensors).toBe(before);
    expect(predictions).toHaveLength(4);
    expect(shapes).toEqual([
      [5, 20],
      [5, 20],
      [5, 20],
      [6, 20],
    ]);
    expect(labels).toHaveLength(4);
    expect(metrics.test_loss).toBeGreaterThan(0);
    const reduced = trainerOf(model, {}, { preprocessLogitsForMetrics: (logits) => tf.argMax(logits, -1) });
    expect((await reduced.predict(examples.slice(0, 4))).shapes).toEqual([[6], [6], [6], [6]]);
  });

  it('stand at the places of their examples where batches are grouped by length', async () => {
    using model = newModel();
    const texts = examples.slice(0, 8);
    const alone = await trainerOf(model, { perDeviceEvalBatchSize: 1 }).predict(texts);
    const sizes: number[] = [];
    const grouped = await trainerOf(
      model,
      { perDeviceEvalBatchSize: 3, groupByLength: true },
      {
        dataCollator: (batch, context) => {
          sizes.push(...batch.map(({ inputIds }) => inputIds.length));
          return collate(batch, context);
        },
      },
    ).predict(texts);
    expect(sizes).toEqual(texts.map(({ inputIds }) => inputIds.length).sort((a, b) => b - a));
    grouped.predictions.forEach((logits, i) => {
      const own = alone.predictions[i]!; // the same without padding
      expectClose(logits.slice(0, own.length), own, closeTo.models);
      expect((grouped.labels[i] as number[]).slice(0, texts[i]!.inputIds.length)).toEqual(alone.labels[i]);
    });
    const unread = { length: texts.length, at: async (i: number) => texts[i] };
    const { labels } = await trainerOf(model, { groupByLength: true }).predict(unread);
    expect(labels).toHaveLength(texts.length);
    const broken = { length: 2, at: () => Promise.reject(new Error('the disk is gone')) };
    await expect(trainerOf(model, { groupByLength: true }).predict(broken)).rejects.toThrow(
      'the disk is gone',
    );
  });

  it('are generated texts with predictWithGenerate', async () => {
    using model = newModel();
    const args = {
      outputDir: folder,
      predictWithGenerate: true,
      generationMaxLength: 8,
      disableProgress: true,
    };
    // Of one length, since a causal model keeps the padding that it puts before shorter prompts.
    const texts = examples.filter(({ inputIds }) => inputIds.length === 3);
    const options = { model, evalDataset: texts, dataCollator: collate };
    let generated: number[][] = [];
    const trainer = new Seq2SeqTrainer({
      ...options,
      args,
      computeMetrics: (prediction) => {
        generated = prediction.generated;
        return { texts: prediction.labels.length };
      },
    });
    const metrics = await trainer.evaluate();
    expect(metrics.eval_texts).toBe(3);
    expect(metrics.eval_loss).toBeGreaterThan(0);
    for (const [i, ids] of generated.entries()) {
      const [alone] = await model.generate([texts[i]!.inputIds], { maxLength: 8 });
      expect(ids.slice(0, alone!.length)).toEqual(alone);
    }
    expect(() => new Seq2SeqTrainer({ ...options, args: { ...args, generationNumBeams: 0 } })).toThrow(
      ConfigError,
    );
  });
});

describe('what a model cannot do', () => {
  it('is told before training', () => {
    const model = Object.defineProperty(newModel(), 'supportsGradientCheckpointing', { value: false });
    expect(() => trainerOf(model, { gradientCheckpointing: true })).toThrow(/gradientCheckpointing/);
  });

  it('includes a loss without labels, and one that depends on no trainable parameter', async () => {
    const bare = trainerOf(
      newModel(),
      { maxSteps: 1 },
      { dataCollator: (each) => ({ inputIds: each.map(({ inputIds }) => inputIds.slice(0, 3)) }) },
    );
    await expect(bare.train()).rejects.toThrow(/labels/);
  });
});
