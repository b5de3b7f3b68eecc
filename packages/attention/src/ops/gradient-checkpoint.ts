import tf = require('@tensorflow/tfjs');

import { isRecording } from './dispatch.js';
import { dropoutState } from './dropout.js';

/**
 * Runs `forward` without keeping what happens inside; its gradient runs it once more (Chen et al., 2016). Takes
 * the memory of a block's activations for the time of a second forward pass. Dropout repeats its masks.
 *
 * @param forward from the inputs to one tensor; whatever else it reads must outlive the backward pass
 * @param inputs every tensor that this pass made and `forward` reads; masks too
 * @param parameters the variables that `forward` reads and that are to have gradients
 * @example
 * ```ts
 * import * as tf from '@tensorflow/tfjs';
 * import { gradientCheckpoint } from '@weft/attention';
 *
 * const weight = tf.variable(tf.scalar(3));
 * const loss = () => gradientCheckpoint((x) => tf.mul(weight, tf.square(x)), [tf.scalar(2)], [weight]) as tf.Scalar;
 * const { grads } = tf.variableGrads(loss, [weight]);
 * console.assert(grads[weight.name].dataSync()[0] === 4);
 * ```
 */
export function gradientCheckpoint(
  forward: (...inputs: tf.Tensor[]) => tf.Tensor,
  inputs: readonly tf.Tensor[],
  parameters: readonly tf.Variable[],
): tf.Tensor {
  if (!isRecording()) return forward(...inputs);
  const start = dropoutState.get();
  const run = tf.customGrad((...given) => {
    const save = given.pop() as unknown as tf.GradSaveFunc;
    const kept = given.slice(0, inputs.length) as tf.Tensor[];
    save(kept);
    return {
      value: forward(...kept),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const now = dropoutState.get();
        dropoutState.set(start);
        const gradients = gradientsOnOwnTape(() => forward(...saved), [...saved, ...parameters], dy);
        dropoutState.set(now);
        return gradients;
      },
    };
  });
  return run(...inputs, ...parameters);
}

// tfjs has one tape and drops it after a gradient: the outer one is put aside meanwhile. What nothing leads to
// has a gradient of zero, as tfjs wants one for each input; so have integers, such as masks.
function gradientsOnOwnTape(forward: () => tf.Tensor, xs: readonly tf.Tensor[], dy: tf.Tensor): tf.Tensor[] {
  const engine = tf.engine();
  const { activeTape } = engine.state;
  try {
    const floats = xs.filter(({ dtype }) => dtype === 'float32');
    const { value, grads } = engine.gradients(forward, floats, dy, true);
    value.dispose();
    return xs.map((x) => (grads[floats.indexOf(x)] as tf.Tensor | undefined) ?? tf.zeros(x.shape));
  } finally {
    engine.state.activeTape = activeTape;
  }
}
