import tf = require('@tensorflow/tfjs');

import { loadAddon } from '../addon/load.js';
import { registrations } from '../kernels/registrations.js';
import { backendName, type KernelCall, kernel, runOnCpu } from './kernel.js';
import { NativeBackend } from './native-backend.js';

/** Kernels of the cpu backend that give their input's data under its own id, counted: safe as they are. */
const counted = new Set(['Identity', 'Reshape']);

/**
 * Registers the backend `native` with tfjs, once: every kernel of the cpu backend, then those in C++ over them.
 * Returns false where the addon could not be loaded.
 */
export function registerNative(): boolean {
  const { addon } = loadAddon();
  if (addon === undefined) return false;
  if (tf.findBackendFactory(backendName) != null) return true;
  tf.registerBackend(backendName, () => new NativeBackend(addon), 4);
  for (const config of tf.getKernelsForBackend('cpu')) {
    const { kernelName } = config;
    if (counted.has(kernelName)) tf.registerKernel({ ...config, backendName });
    else tf.registerKernel(kernel(kernelName, (call: KernelCall) => runOnCpu(kernelName, call)));
  }
  for (const config of registrations) {
    if (tf.getKernel(config.kernelName, backendName) !== undefined)
      tf.unregisterKernel(config.kernelName, backendName);
    tf.registerKernel(config);
  }
  return true;
}
