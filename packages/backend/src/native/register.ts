import {
  findBackendFactory,
  getKernel,
  getKernelsForBackend,
  registerBackend,
  registerKernel,
  unregisterKernel,
} from '@tensorflow/tfjs';
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
  if (findBackendFactory(backendName) != null) return true;
  registerBackend(backendName, () => new NativeBackend(addon), 4);
  for (const config of getKernelsForBackend('cpu')) {
    const { kernelName } = config;
    if (counted.has(kernelName)) registerKernel({ ...config, backendName });
    else registerKernel(kernel(kernelName, (call: KernelCall) => runOnCpu(kernelName, call)));
  }
  for (const config of registrations) {
    if (getKernel(config.kernelName, backendName) !== undefined)
      unregisterKernel(config.kernelName, backendName);
    registerKernel(config);
  }
  return true;
}
