import { existsSync, readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineConfig, type ViteUserConfig } from 'vitest/config';

const root = fileURLToPath(new URL('../../../', import.meta.url));

/** Tests read the packages' sources, so that a change shows without a build in between. */
function sourceAliases(): { find: RegExp; replacement: string }[] {
  return ['packages', 'apps'].flatMap((folder) =>
    readdirSync(resolve(root, folder))
      .filter((name) => existsSync(resolve(root, folder, name, 'src/index.ts')))
      .map((name) => ({
        find: new RegExp(`^@weft/${name}$`),
        replacement: resolve(root, folder, name, 'src/index.ts'),
      })),
  );
}

export type TestedBackend = 'native' | 'wasm' | 'cpu';

export interface WeftTestOptions {
  /** Run the whole suite once on each of these tfjs backends; none for packages without tensors. */
  backends?: TestedBackend[];
  /** More test files than the package's own, as globs from the package's folder. */
  include?: string[];
}

/** The vitest configuration that all packages share. */
export function weftTests({ backends = [], include = [] }: WeftTestOptions = {}): ViteUserConfig {
  const shared = {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts', ...include],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'forks' as const,
  };
  const projects = backends.map((backend) => ({
    extends: true as const,
    test: {
      name: backend,
      env: { WEFT_TEST_BACKEND: backend },
      setupFiles: [resolve(root, 'tooling/testing/src/setup-backend.ts')],
    },
  }));
  return defineConfig({
    resolve: { alias: sourceAliases() },
    // Node 20 does not parse `using`: bring it down to what Node 20 knows.
    oxc: { target: 'es2022' },
    test: {
      ...shared,
      maxWorkers: 2,
      reporters: ['default', ['json', { outputFile: '.results/vitest.json' }]],
      ...(projects.length > 0 ? { projects } : {}),
    },
  });
}
