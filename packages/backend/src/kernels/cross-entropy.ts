import type { TensorInfo } from '@tensorflow/tfjs';
import type { CrossEntropyAttrs, LinearCrossEntropyAttrs } from '@weft/attention';
import { InputError } from '@weft/errors';
import type { KernelCall } from '../native/kernel.js';
import type { NativeBackend, Output } from '../native/native-backend.js';

type Tensors = Record<string, TensorInfo | undefined>;

/** [loss, logSumExp] */
export function crossEntropy({ inputs, backend, attrs }: KernelCall<CrossEntropyAttrs>): TensorInfo[] {
  const { logits, labels } = inputs as Tensors;
  const [rows, classes] = logits!.shape as [number, number];
  const [loss, logSumExp] = [backend.output([]), backend.output([rows])];
  const bad = backend.addon.crossEntropy(
    backend.floats(logits!),
    backend.ints(labels!),
    loss.values,
    logSumExp.values,
    rows,
    classes,
    attrs.ignoreIndex,
    attrs.labelSmoothing,
    attrs.reduction === 'mean',
  );
  const outputs = [loss, logSumExp];
  if (bad >= 0) refuse(backend, outputs, classes, attrs.ignoreIndex, backend.ints(labels!), bad);
  return outputs;
}

export function crossEntropyGrad({ inputs, backend, attrs }: KernelCall<CrossEntropyAttrs>): TensorInfo {
  const { logits, labels, logSumExp, dy } = inputs as Tensors;
  const [rows, classes] = logits!.shape as [number, number];
  const dlogits = backend.output(logits!.shape);
  backend.addon.crossEntropyGradient(
    backend.floats(logits!),
    backend.ints(labels!),
    backend.floats(logSumExp!),
    backend.floats(dy!),
    dlogits.values,
    rows,
    classes,
    attrs.ignoreIndex,
    attrs.labelSmoothing,
    attrs.reduction === 'mean',
  );
  return dlogits;
}

/** [loss], with gradients [loss, dhidden, dweight, dbias?] */
export function linearCrossEntropy(call: KernelCall<LinearCrossEntropyAttrs>): TensorInfo[] {
  const { backend, attrs } = call;
  const { hidden, weight, labels, bias } = call.inputs as Tensors;
  const [rows, width] = hidden!.shape as [number, number];
  const classes = weight!.shape[0]!;
  const loss = backend.output([]);
  const gradients = attrs.computeGradients
    ? [hidden!, weight!, ...(bias == null ? [] : [bias])].map(({ shape }) => backend.output(shape))
    : [];
  const bad = backend.addon.linearCrossEntropy(
    backend.floats(hidden!),
    backend.floats(weight!),
    backend.ints(labels!),
    bias == null ? null : backend.floats(bias),
    loss.values,
    gradients[0]?.values ?? null,
    gradients[1]?.values ?? null,
    gradients[2]?.values ?? null,
    rows,
    width,
    classes,
    attrs.ignoreIndex,
    attrs.labelSmoothing,
    attrs.reduction === 'mean',
  );
  const outputs = [loss, ...gradients];
  if (bad >= 0) refuse(backend, outputs, classes, attrs.ignoreIndex, backend.ints(labels!), bad);
  return outputs;
}

/** The outputs are given back before the error is thrown: tfjs does not know of them yet. */
function refuse(
  backend: NativeBackend,
  outputs: Output[],
  classes: number,
  ignored: number,
  labels: Int32Array,
  place: number,
): never {
  for (const { dataId } of outputs) backend.disposeData(dataId);
  throw new InputError({
    operation: 'crossEntropy',
    expected: `labels from 0 to ${classes - 1}, or ${ignored} to ignore a position`,
    received: `${labels[place]} at position ${place}`,
    remedy: 'check the labels against the number of classes of the model',
  });
}
