import tf = require('@tensorflow/tfjs');

/** True where the active backend has a kernel of this name, which then takes the op over. */
export function hasKernel(name: string): boolean {
  return tf.getKernel(name, tf.getBackend()) !== undefined;
}

/** True while a tape records, so that a gradient may be asked for later. */
export function isRecording(): boolean {
  return tf.engine().state.gradientDepth > 0;
}

type Inputs = Record<string, tf.Tensor | readonly (tf.Tensor | undefined)[] | undefined>;

/** Runs a fused kernel with the inputs that are given; its outputs, in the order of the contract. */
export function runFused(name: string, inputs: Inputs, attrs: object): tf.Tensor[] {
  const present: Inputs = {};
  for (const key in inputs) {
    const tensor = inputs[key];
    if (tensor !== undefined) present[key] = tensor;
  }
  const outputs = tf
    .engine()
    .runKernel(name, present as tf.NamedTensorMap, attrs as tf.NamedAttrMap) as unknown;
  return Array.isArray(outputs) ? (outputs as tf.Tensor[]) : [outputs as tf.Tensor];
}

/** The gradients of a fused kernel's inputs, each computed only when it is asked for. */
export type InputGradients = Record<string, () => tf.Tensor>;

/** What a gradient needs of its kernel: inputs by name, outputs by place. */
export interface Saved {
  inputs: string[];
  outputs?: boolean[];
}

/**
 * Registers the gradient of a fused kernel. It is given the saved inputs, in the order of `inputs`, then the
 * saved outputs. Only inputs that are always there can be saved.
 */
export function registerFusedGradient<Attrs extends object>(
  kernelName: string,
  { inputs, outputs }: Saved,
  gradient: (dy: tf.Tensor, saved: tf.Tensor[], attrs: Attrs) => InputGradients,
): void {
  tf.registerGradient({
    kernelName,
    inputsToSave: inputs,
    ...(outputs ? { outputsToSave: outputs } : {}),
    gradFunc: (dy, saved, attrs) =>
      gradient(Array.isArray(dy) ? dy[0]! : dy, saved as tf.Tensor[], attrs as unknown as Attrs),
  });
}
