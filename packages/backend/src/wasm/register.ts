import tf = require('@tensorflow/tfjs');

import type { KernelCall } from '../native/kernel.js';

/** Calls that tfjs's WebAssembly kernels refuse or answer wrongly; they take the detour over the cpu too. */
const repairs: Record<string, (call: KernelCall<Record<string, unknown>>) => boolean> = {
  // Anything but 0 and 1 becomes a wrong bool.
  Cast: ({ attrs }) => attrs.dtype === 'bool',
  // Only float32 is implemented.
  BatchMatMul: ({ inputs }) => inputs.a!.dtype !== 'float32' || inputs.b!.dtype !== 'float32',
};

/**
 * Matrix products whose transposed operands are transposed first: tfjs's WebAssembly multiplies them as they lie some
 * ten times slower, and adds the bias of a fused one to the wrong columns.
 */
const products = ['BatchMatMul', '_FusedMatMul'];

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
  for (const kernelName of products) {
    const own = tf.getKernel(kernelName, 'wasm');
    tf.unregisterKernel(kernelName, 'wasm');
    tf.registerKernel({ ...own, kernelFunc: transposingFirst(own.kernelFunc) });
  }
  return undefined;
}

/** A matrix product's kernel that gets its operands untransposed. */
function transposingFirst(multiply: tf.KernelFunc): tf.KernelFunc {
  type Call = KernelCall<{ transposeA: boolean; transposeB: boolean }>;
  const run = (call: Call): ReturnType<tf.KernelFunc> => {
    const backend = call.backend as unknown as Storage;
    const moved: tf.TensorInfo[] = [];
    const plain = (tensor: tf.TensorInfo, transposed: boolean): tf.TensorInfo => {
      if (!transposed) return tensor;
      const axes = tensor.shape.map((_, axis) => axis);
      const perm = [...axes.slice(0, -2), axes.length - 1, axes.length - 2];
      const { kernelFunc } = tf.getKernel('Transpose', 'wasm');
      const result = kernelFunc({ inputs: { x: tensor }, backend, attrs: { perm } }) as tf.TensorInfo;
      moved.push(result);
      return result;
    };
    const { a, b } = call.inputs as { a: tf.TensorInfo; b: tf.TensorInfo };
    const { transposeA, transposeB } = call.attrs;
    // Integers take the detour over the cpu, as they are.
    const known = a.dtype === 'float32' && b.dtype === 'float32';
    if (!known || !(transposeA || transposeB))
      return multiply(call as unknown as Parameters<tf.KernelFunc>[0]);
    const inputs = { ...call.inputs, a: plain(a, transposeA), b: plain(b, transposeB) };
    const attrs = { ...call.attrs, transposeA: false, transposeB: false } as unknown as tf.NamedAttrMap;
    const result = multiply({ inputs, backend, attrs });
    for (const { dataId } of moved) backend.disposeData(dataId as object);
    return result;
  };
  return run as unknown as tf.KernelFunc;
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
