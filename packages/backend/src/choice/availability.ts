import tf = require('@tensorflow/tfjs');

import { loadAddon } from '../addon/load.js';
import { registerNative } from '../native/register.js';
import { loadTensorflow } from '../tensorflow/load.js';
import { registerWasm } from '../wasm/register.js';
import type { ConcreteBackend } from './names.js';

/** Whether a backend can be used, and why not, in words for a person. */
export interface Availability {
  available: boolean;
  reason: string;
}

const tests: Record<ConcreteBackend, () => Promise<Availability>> = {
  native: async () => {
    if (registerNative()) return { available: true, reason: `loaded ${loadAddon().path}` };
    const tried = loadAddon().failures.map(({ path, problem }) => `${path}: ${problem}`);
    return {
      available: false,
      reason: `${tried.join('; ')}; install a C++ compiler and run \`npm rebuild @weft/backend\``,
    };
  },
  tensorflow: async () => {
    const result = await loadTensorflow();
    if (result.loaded === undefined) return { available: false, reason: result.failures.join('; ') };
    const { name, usesGpu } = result.loaded;
    return { available: true, reason: `${name}, ${usesGpu ? 'on a CUDA device' : 'on the processor'}` };
  },
  wasm: async () => {
    silenceCpu();
    const problem = await registerWasm();
    return { available: problem === undefined, reason: problem ?? 'WebAssembly of tfjs, one thread' };
  },
  cpu: async () => {
    silenceCpu();
    return { available: true, reason: 'plain JavaScript' };
  },
};

/** Loads what a backend needs and registers it with tfjs, once. */
export function prepare(name: ConcreteBackend): Promise<Availability> {
  return tests[name]();
}

/** tfjs's cpu backend greets its first tensor with a banner about another package; weft has said what there is. */
function silenceCpu(): void {
  const cpu = tf.findBackend('cpu') as unknown as { firstUse?: boolean } | null;
  if (cpu !== null) cpu.firstUse = false;
}
