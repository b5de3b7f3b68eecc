import type {
  KernelConfig,
  KernelFunc,
  NamedAttrMap,
  NamedTensorInfoMap,
  TensorInfo,
} from '@tensorflow/tfjs';

import tf = require('@tensorflow/tfjs');

import type { NativeBackend } from './native-backend.js';

export const backendName = 'native';

/** What a kernel gets: tensors by name (optional ones may be missing), the backend, attributes. */
export interface KernelCall<Attrs = object> {
  inputs: Record<string, TensorInfo>;
  backend: NativeBackend;
  attrs: Attrs;
}

export type NativeKernel<Attrs> = (call: KernelCall<Attrs>) => TensorInfo | TensorInfo[];

/** One line of the list of registrations. */
export function kernel<Attrs>(kernelName: string, run: NativeKernel<Attrs>): KernelConfig {
  return { kernelName, backendName, kernelFunc: run as unknown as KernelFunc };
}

/** Runs the kernel of the cpu backend, for types and shapes that have no kernel in C++. */
export function runOnCpu<Attrs>(kernelName: string, { inputs, backend, attrs }: KernelCall<Attrs>) {
  // Its result may be a view of an input (a slice is), so that the inputs' buffers must not be used again.
  for (const name in inputs) {
    const input = inputs[name] as TensorInfo | TensorInfo[] | undefined;
    if (Array.isArray(input)) for (const tensor of input) backend.share(tensor);
    else if (input != null) backend.share(input);
  }
  const { kernelFunc } = tf.getKernel(kernelName, 'cpu');
  return kernelFunc({ inputs: inputs as NamedTensorInfoMap, backend, attrs: attrs as NamedAttrMap });
}
