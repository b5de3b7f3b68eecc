import * as tf from '@tensorflow/tfjs';
import type { KernelCall } from '../native/kernel.js';

/** Calls that tfjs's WebAssembly kernels refuse or answer wrongly; they take the detour over the cpu too. */
const repairs: Record<string, (call: KernelCall<Record<string, unknown>>) => boolean> = {
  // Anything but 0 and 1 becomes a wrong bool.
  Cast: ({ attrs }) => attrs.dtype === 'bool',
  // Only float32 is implemented.
  BatchMatMul: ({ inputs }) => inputs.a!.dtype !== 'float32' || inputs.b!.dtype !== 'float32',
  // With a transposed second matrix the bias goes to the wrong columns.
  _FusedMatMul: ({ inputs, attrs }) => attrs.transposeB === true && inputs.bias != null,
};

/** The part of a backend that the detour over the cpu needs. */
interface Storage {
  readSync(dataId: object): tf.BackendValues;
  write(values: tf.BackendValues, shape: number[], dtype: tf.DataType): object;
  disposeData(dataId: object, force?: boolean): boolean;
}

let registered: Promise<string | undefined> | undefined;

/**
 * Registers tfjs's WebAssembly backend, and lends it the cpu backend's kernels where it has none of its own, so
 * that every model runs on it. Gives what went wrong, undefined when nothing did.
 */
export function registerWasm(): Promise<string | undefined> {
  registered ??= register();
  return registered;
}

async function register(): Promise<string | undefined> {
  try {
    await import('@tensorflow/tfjs-backend-wasm');
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  for (const { kernelName } of tf.getKernelsForBackend('cpu')) {
    const own = tf.getKernel(kernelName, 'wasm');
    const needsRepair = repairs[kernelName];
    if (own !== undefined && needsRepair === undefined) continue;
    const detour = throughCpu(kernelName);
    if (own === undefined) {
      tf.registerKernel({ kernelName, backendName: 'wasm', kernelFunc: detour });
    } else {
      tf.unregisterKernel(kernelName, 'wasm');
      const choose = (call: Parameters<tf.KernelFunc>[0]) =>
        needsRepair!(call as unknown as KernelCall<Record<string, unknown>>)
          ? detour(call)
          : own.kernelFunc(call);
      tf.registerKernel({ ...own, kernelFunc: choose });
    }
  }
  return undefined;
}

/** A kernel that copies its inputs to the cpu backend, runs there, and copies the results back. */
function throughCpu(kernelName: string): tf.KernelFunc {
  const run = (call: Omit<KernelCall, 'backend'> & { backend: Storage }) => {
    const wasm = call.backend;
    const cpu = tf.findBackend('cpu') as unknown as Storage;
    const move = (tensor: tf.TensorInfo, from: Storage, to: Storage): tf.TensorInfo => ({
      dataId: to.write(
        from.readSync(tensor.dataId as object).slice() as tf.BackendValues,
        tensor.shape,
        tensor.dtype,
      ),
      shape: tensor.shape,
      dtype: tensor.dtype,
    });
    const inputs: Record<string, tf.TensorInfo> = {};
    for (const name in call.inputs) {
      const input = call.inputs[name];
      if (input != null) inputs[name] = move(input, wasm, cpu);
    }
    const { kernelFunc } = tf.getKernel(kernelName, 'cpu');
    const result = kernelFunc({ inputs, backend: cpu, attrs: call.attrs as tf.NamedAttrMap });
    const outputs = Array.isArray(result) ? result : [result];
    const moved = outputs.map((output) => move(output, cpu, wasm));
    for (const tensor of [...Object.values(inputs), ...outputs])
      cpu.disposeData(tensor.dataId as object, true);
    return Array.isArray(result) ? moved : moved[0]!;
  };
  return run as unknown as tf.KernelFunc;
}
