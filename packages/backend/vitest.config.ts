import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { weftTests } from '../../tooling/testing/src/config.ts';
import type { Addon } from './src/addon/addon.ts';

const shared = weftTests();
const setup = fileURLToPath(new URL('./test/setup.ts', import.meta.url));

/** What must hold on every instruction set and number of threads: ops, kernels, the attention core. */
const conformance = ['test/conformance/**/*.test.ts', '../attention/src/**/*.test.ts'];

/** The instruction sets of this machine; none where the addon was not built, and the tests say so. */
function machineSets(): string[] {
  try {
    const addon = createRequire(import.meta.url)('./build/Release/weft.node') as Addon;
    return ['portable', 'avx2', 'avx512', 'neon'].filter((_, level) => addon.hasInstructionSet(level));
  } catch {
    return [];
  }
}

interface Project {
  name: string;
  backend: string;
  env?: Record<string, string>;
  include: string[];
}

const project = ({ name, backend, env = {}, include }: Project) => ({
  extends: true as const,
  test: { name, include, env: { WEFT_TEST_BACKEND: backend, ...env }, setupFiles: [setup] },
});

export default defineConfig({
  ...shared,
  test: {
    ...shared.test,
    // Projects add their own to these, so that the list here is empty.
    include: [],
    projects: [
      project({
        name: 'native',
        backend: 'native',
        include: ['src/**/*.test.ts'],
      }),
      // Every instruction set on two threads, and the best one on one thread too.
      ...machineSets().flatMap((set, level, all) =>
        (level === all.length - 1 ? ['1', '2'] : ['2']).map((threads) =>
          project({
            name: `${set}-${threads}`,
            backend: 'native',
            env: { WEFT_CPU: set, WEFT_NUM_THREADS: threads },
            include: conformance,
          }),
        ),
      ),
      project({ name: 'wasm', backend: 'wasm', include: ['test/conformance/**/*.test.ts'] }),
      project({ name: 'cpu', backend: 'cpu', include: ['test/conformance/**/*.test.ts'] }),
    ],
  },
});
