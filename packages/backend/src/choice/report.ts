import tf = require('@tensorflow/tfjs');

import { type InstructionSet, instructionSets } from '../addon/addon.js';
import { loadAddon } from '../addon/load.js';
import { NativeBackend, type NativeMemory } from '../native/native-backend.js';
import { prepare } from './availability.js';
import type { ConcreteBackend } from './names.js';

/** One backend: whether it works here, and why or why not. */
export interface BackendState {
  name: ConcreteBackend;
  active: boolean;
  available: boolean;
  reason: string;
}

/** What `weft doctor` prints. */
export interface BackendReport {
  /** The backend that tfjs computes on now; undefined before the first. */
  active: string | undefined;
  backends: BackendState[];
  /** The native backend's own state, where its addon loads. */
  native?: {
    addon: string;
    threads: number;
    instructionSet: InstructionSet;
    instructionSets: InstructionSet[];
    /** Only while the native backend has been used in this process. */
    memory?: NativeMemory;
  };
}

/**
 * The state of every backend on this machine, with reasons. Loads each to find out; changes nothing else.
 *
 * @example
 * ```ts
 * import { backendReport } from '@weft/backend';
 *
 * const { backends } = await backendReport();
 * console.assert(backends.some(({ name, available }) => name === 'cpu' && available));
 * ```
 */
export async function backendReport(): Promise<BackendReport> {
  const active = tf.engine().backendName || undefined;
  const backends: BackendState[] = [];
  for (const name of ['tensorflow', 'native', 'wasm', 'cpu'] as const) {
    backends.push({ name, active: name === active, ...(await prepare(name)) });
  }
  const { addon, path } = loadAddon();
  if (addon === undefined) return { active, backends };
  const started = tf.engine().registry.native as unknown;
  return {
    active,
    backends,
    native: {
      addon: path,
      threads: addon.threads(),
      instructionSet: addon.instructionSet(),
      instructionSets: instructionSets.filter((_, level) => addon.hasInstructionSet(level)),
      ...(started instanceof NativeBackend ? { memory: started.memory() } : {}),
    },
  };
}
