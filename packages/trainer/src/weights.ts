import tf = require('@tensorflow/tfjs');

import type { Module } from '@weft/attention';
import { openWeights } from '@weft/checkpoint';
import { TrainingError } from '@weft/errors';

/** Puts a checkpoint's values into a module's parameters, in place; keys are the module's own. */
export async function loadWeights(module: Module, folder: string): Promise<void> {
  using weights = await openWeights(folder);
  const parameters = module.namedParameters();
  const wrong = parameters.filter(
    ([key, { shape }]) => !weights.has(key) || weights.info(key).shape.join() !== shape.join(),
  );
  if (wrong.length > 0) {
    throw new TrainingError({
      operation: 'resume training',
      expected: `every parameter of the model in ${folder}, in its shape`,
      received: `none such for ${wrong.map(([key]) => key).join(', ')}`,
      remedy: 'resume with the model that was trained',
    });
  }
  for (const [key, parameter] of parameters) {
    tf.tidy(() => parameter.assign(tf.tensor(weights.readFloat32(key), parameter.shape)));
  }
}
