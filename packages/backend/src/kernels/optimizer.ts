import type { TensorInfo } from '@tensorflow/tfjs';
import type { AdamWAttrs } from '@weft/attention';
import type { KernelCall } from '../native/kernel.js';
import type { NativeBackend } from '../native/native-backend.js';

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

export function adamW({ inputs, backend, attrs }: KernelCall<AdamWAttrs>): TensorInfo[] {
  backend.addon.adamW(
    write(backend, numbered(inputs, 'parameter')),
    read(backend, numbered(inputs, 'gradient')),
    write(backend, numbered(inputs, 'mean')),
    write(backend, numbered(inputs, 'variance')),
    Float64Array.from(attrs.learningRate),
    Float64Array.from(attrs.weightDecay),
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
  const addends = read(backend, numbered(inputs, 'addend'));
  backend.addon.accumulate(write(backend, numbered(inputs, 'sum')), addends);
  return [];
}
