import * as tf from '@tensorflow/tfjs';
import { clipScale, globalNorm, type Module } from '@weft/attention';
import { AdamW } from '@weft/trainer';
import type { Run } from './serve.js';

type Forward = (inputs: object) => { loss?: tf.Scalar };

/** Forward, backward, clipping to norm 1 and AdamW, as a fine-tuning step does them. */
export function trainOneStep(
  model: Module & { forward(inputs: never): { loss?: tf.Scalar } },
  inputs: object,
): Run {
  const optimizer = new AdamW(model, { weightDecay: 0.01, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 });
  model.train();
  return () => {
    tf.tidy(() => {
      const loss = (): tf.Scalar => (model.forward as unknown as Forward).call(model, inputs).loss!;
      const { value, grads } = tf.variableGrads(loss, [...optimizer.parameters]);
      const gradients = optimizer.parameters.map(({ name }) => grads[name]);
      const norm = globalNorm(gradients.filter((gradient) => gradient !== undefined)).dataSync()[0]!;
      optimizer.step(gradients, 5e-5, clipScale(norm, 1));
      if (!Number.isFinite(value.dataSync()[0]!)) throw new Error('the loss is not finite');
    });
    return undefined;
  };
}
