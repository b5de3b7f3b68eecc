import { createRequire } from 'node:module';
import { join } from 'node:path';
import { cwd, env } from 'node:process';
import { pathToFileURL } from 'node:url';

import tf = require('@tensorflow/tfjs');

import { tensorflowPackages } from './link.js';

/** tfjs-node or tfjs-node-gpu, imported. */
export interface LoadedTensorflow {
  name: string;
  /** Whether a CUDA device answers. */
  usesGpu: boolean;
}

export interface TensorflowResult {
  loaded?: LoadedTensorflow;
  failures: string[];
}

let result: Promise<TensorflowResult> | undefined;

/** Imports the first of the two packages that is installed and works, once. Never throws: failures are told. */
export function loadTensorflow(): Promise<TensorflowResult> {
  result ??= load();
  return result;
}

/** Where the package lies, seen from the working directory or from this package; undefined when not installed. */
function locate(name: string): string | undefined {
  for (const base of [pathToFileURL(join(cwd(), 'package.json')), import.meta.url]) {
    try {
      return createRequire(base).resolve(name);
    } catch {
      // not seen from there
    }
  }
  return undefined;
}

/** The path of tfjs-node-gpu, without loading it; undefined when it is not installed. */
export function installedGpuPackage(): string | undefined {
  return locate(tensorflowPackages[0]);
}

/**
 * The import makes its own backend the active one, remarks on the platform being set twice, and lets the library
 * tell about the processor: none of it was asked for. Warnings, as of a missing CUDA library, stay.
 */
async function importQuietly(path: string): Promise<void> {
  const active = tf.engine().backendName;
  const production = tf.env().getBool('PROD');
  tf.env().set('PROD', true);
  env.TF_CPP_MIN_LOG_LEVEL ??= '1';
  try {
    await import(pathToFileURL(path).href);
  } finally {
    tf.env().set('PROD', production);
    if (active) await tf.setBackend(active);
  }
}

async function load(): Promise<TensorflowResult> {
  const failures: string[] = [];
  for (const name of tensorflowPackages) {
    const path = locate(name);
    if (path === undefined) {
      failures.push(`${name}: not installed`);
      continue;
    }
    try {
      await import('./node-shim.js');
      await importQuietly(path);
      const backend = tf.findBackend('tensorflow') as unknown as { isUsingGpuDevice?: boolean } | null;
      if (backend === null) throw new Error('it registered its backend with another copy of tfjs');
      return { loaded: { name, usesGpu: backend.isUsingGpuDevice === true }, failures };
    } catch (error) {
      const problem = error instanceof Error ? error.message.split('\n')[0] : String(error);
      failures.push(`${name}: ${problem}; \`weft tensorflow link\` builds its binding`);
    }
  }
  return { failures };
}
