import { env, stderr } from 'node:process';

import tf = require('@tensorflow/tfjs');

import { BackendError } from '@weft/errors';
import { installedGpuPackage, loadTensorflow } from '../tensorflow/load.js';
import { prepare } from './availability.js';
import { type BackendName, type ConcreteBackend, checkBackendName } from './names.js';

/**
 * Makes a backend the one that tfjs, and so weft, computes on. Loads what it needs first.
 *
 * `auto` takes what the environment variable WEFT_BACKEND names; without it, `tensorflow` where tfjs-node-gpu is
 * installed and a CUDA device answers, else `native`, `wasm`, `cpu`, the first that works. Tensors made before
 * stay usable: tfjs moves their data when they are next used.
 *
 * The environment: WEFT_NUM_THREADS sets the native threads (default: one per core), WEFT_CPU the native
 * instruction set (portable, avx2, avx512, neon; default: the best of the machine).
 *
 * @returns the backend that is now in use
 * @throws InputError for an unknown name, in the argument or in WEFT_BACKEND
 * @throws BackendError when the named backend does not work here; the reason is in `received`
 * @example
 * ```ts
 * import { setBackend } from '@weft/backend';
 *
 * const backend = await setBackend('auto');
 * console.assert(['native', 'tensorflow', 'wasm', 'cpu'].includes(backend));
 * ```
 */
export async function setBackend(name: BackendName = 'auto'): Promise<ConcreteBackend> {
  const asked = checkBackendName('setBackend', name);
  const fromEnvironment = env.WEFT_BACKEND;
  const wanted =
    asked === 'auto' && fromEnvironment ? checkBackendName('WEFT_BACKEND', fromEnvironment) : asked;
  return wanted === 'auto' ? chooseBackend() : useBackend(wanted);
}

async function useBackend(name: ConcreteBackend): Promise<ConcreteBackend> {
  const { available, reason } = await prepare(name);
  if (!available || !(await tf.setBackend(name))) {
    throw new BackendError({
      operation: 'setBackend',
      expected: `the backend ${name} to load`,
      received: available ? 'a failure of its start' : reason,
      remedy: "use setBackend('auto'), or see `weft doctor`",
    });
  }
  await tf.ready();
  return name;
}

async function chooseBackend(): Promise<ConcreteBackend> {
  if (installedGpuPackage() !== undefined && (await loadTensorflow()).loaded?.usesGpu === true) {
    return useBackend('tensorflow');
  }
  const native = await prepare('native');
  if (native.available) return useBackend('native');
  const { available } = await prepare('wasm');
  const chosen = available ? 'wasm' : 'cpu';
  tellOnce(`weft: no native backend, running on ${chosen}, many times slower: ${native.reason}`);
  return useBackend(chosen);
}

const told = new Set<string>();

function tellOnce(line: string): void {
  if (told.has(line)) return;
  told.add(line);
  stderr.write(`${line}\n`);
}
