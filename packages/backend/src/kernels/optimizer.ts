import type { TensorInfo } from '@tensorflow/tfjs';
import type { AdamWAttrs } from '@weft/attention';
import { ShapeError } from '@weft/errors';
import type { KernelCall } from '../native/kernel.js';
import type { NativeBackend } from '../native/native-backend.js';
import { sameShape } from './sizes.js';

type Tensors = Record<string, TensorInfo>;

/** The tensors name0, name1, ... of a kernel's inputs. */
function numbered(inputs: Tensors, name: string): TensorInfo[] {
  const tensors: TensorInfo[] = [];
  for (let i = 0; ; i++) {
    const tensor = inputs[`${name}${i}`];
    if (tensor === undefined) return tensors;
    tensors.push(tensor);
  }
}

const read = (backend: NativeBackend, tensors: TensorInfo[]) =>
  tensors.map((tensor) => backend.floats(tensor));
const write = (backend: NativeBackend, tensors: TensorInfo[]) =>
  tensors.map((tensor) => backend.writable(tensor));

/** Two lists that are worked on together have tensors of the same shapes. */
function checkAlike(operation: string, tensor: string, list: TensorInfo[], like: TensorInfo[]): void {
  for (let i = 0; i < Math.max(list.length, like.length); i++) {
    const [received, expected] = [list[i]?.shape ?? [], like[i]?.shape ?? []];
    if (i < list.length && i < like.length && sameShape(received, expected)) continue;
    throw new ShapeError({
      operation,
      tensor: `${tensor} ${i}`,
      expectedShape: expected,
      receivedShape: received,
      remedy: 'give the lists in the same order, one tensor for each',
    });
  }
}

export function adamW({ inputs, backend, attrs }: KernelCall<AdamWAttrs>): TensorInfo[] {
  const parameters = numbered(inputs, 'parameter');
  const [gradients, means, variances] = ['gradient', 'mean', 'variance'].map((name) => {
    const list = numbered(inputs, name);
    checkAlike('adamW', name, list, parameters);
    return list;
  }) as [TensorInfo[], TensorInfo[], TensorInfo[]];
  const ofEach = (values: number[]) => Float64Array.from(parameters, (_, i) => values[i] ?? 0);
  backend.addon.adamW(
    write(backend, parameters),
    read(backend, gradients),
    write(backend, means),
    write(backend, variances),
    ofEach(attrs.learningRate),
    ofEach(attrs.weightDecay),
    attrs.beta1,
    attrs.beta2,
    attrs.epsilon,
    attrs.step,
    attrs.gradientScale,
  );
  return [];
}

export function globalNorm({ inputs, backend }: KernelCall): TensorInfo {
  const norm = backend.output([]);
  norm.values[0] = backend.addon.globalNorm(read(backend, numbered(inputs, 'gradient')));
  return norm;
}

export function accumulate({ inputs, backend }: KernelCall): TensorInfo[] {
  const [sums, addends] = [numbered(inputs, 'sum'), numbered(inputs, 'addend')];
  checkAlike('accumulate', 'addend', addends, sums);
  backend.addon.accumulate(write(backend, sums), read(backend, addends));
  return [];
}
