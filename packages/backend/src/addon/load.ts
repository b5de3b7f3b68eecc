import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { arch, env, platform } from 'node:process';
import { fileURLToPath } from 'node:url';
import { BackendError } from '@weft/errors';
import { type Addon, instructionSets } from './addon.js';

/** One place where the addon was looked for, and what came of it. */
export interface LoadAttempt {
  path: string;
  problem: string;
}

export type LoadResult =
  | { addon: Addon; path: string; failures: LoadAttempt[] }
  | { addon: undefined; path: undefined; failures: LoadAttempt[] };

// src/addon/ and dist/addon/ both lie two folders below the package.
const packageRoot = new URL('../../', import.meta.url);
const candidates = [`build/Release/weft.node`, `prebuilds/${platform}-${arch}/weft.node`];

let result: LoadResult | undefined;

/** Loads the addon once: the local build, else a prebuilt one. Every failure is kept for the report. */
export function loadAddon(): LoadResult {
  result ??= search();
  return result;
}

function search(): LoadResult {
  const require = createRequire(import.meta.url);
  const failures: LoadAttempt[] = [];
  for (const candidate of candidates) {
    const path = fileURLToPath(new URL(candidate, packageRoot));
    if (!existsSync(path)) {
      failures.push({ path, problem: 'no such file' });
      continue;
    }
    try {
      const addon = require(path) as Addon;
      applyInstructionSet(addon);
      return { addon, path, failures };
    } catch (error) {
      failures.push({ path, problem: error instanceof Error ? error.message : String(error) });
    }
  }
  return { addon: undefined, path: undefined, failures };
}

/** WEFT_CPU forces an instruction set; one that is unknown or missing here is refused, not passed over. */
function applyInstructionSet(addon: Addon): void {
  const wanted = env.WEFT_CPU;
  if (wanted === undefined || wanted === '') return;
  const level = (instructionSets as readonly string[]).indexOf(wanted);
  if (level >= 0 && addon.useInstructionSet(level)) return;
  const present = instructionSets.filter((_, index) => addon.hasInstructionSet(index));
  throw new BackendError({
    operation: 'WEFT_CPU',
    expected: `an instruction set of this machine (${present.join(', ')})`,
    received: wanted,
    remedy: 'unset WEFT_CPU to let weft choose',
  });
}
