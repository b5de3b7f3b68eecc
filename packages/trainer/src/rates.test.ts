import { ConfigError } from '@weft/errors';
import { expect, it } from 'vitest';
import { losses, newModel, trainerOf } from '../test/small-trainer.js';

const embeddings = (key: string): boolean => key.includes('wte') || key.includes('wpe');

it('gives parameters their multiple of the learning rate', async () => {
  const run = async (learningRate: number, learningRateFactor?: (key: string) => number) => {
    using model = newModel();
    const trainer = trainerOf(
      model,
      { learningRate, maxSteps: 4, lrSchedulerType: 'constant' },
      learningRateFactor ? { learningRateFactor } : {},
    );
    await trainer.train();
    const values = model
      .namedParameters()
      .map(([key, parameter]) => [key, [...parameter.dataSync()]] as const);
    return { losses: losses(trainer), values };
  };
  expect(await run(5e-3, () => 2)).toEqual(await run(1e-2));

  using fresh = newModel();
  const before = new Map(fresh.namedParameters().map(([key, parameter]) => [key, [...parameter.dataSync()]]));
  const { values } = await run(1e-2, (key) => (embeddings(key) ? 0 : 1));
  for (const [key, after] of values) {
    if (embeddings(key)) expect(after, key).toEqual(before.get(key));
    else expect(after, key).not.toEqual(before.get(key));
  }
});

it.each([Number.NaN, -1, Number.POSITIVE_INFINITY])('refuses a multiple of %d', async (factor) => {
  using model = newModel();
  await expect(trainerOf(model, {}, { learningRateFactor: () => factor }).train()).rejects.toThrow(
    ConfigError,
  );
});
