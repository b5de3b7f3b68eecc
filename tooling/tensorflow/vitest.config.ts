import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { weftTests } from '../testing/src/config.ts';

// A package's own tests, on the tensorflow backend: run.mjs names the package with --root, and has set
// WEFT_TEST_BACKEND and NODE_PATH. TensorFlow brings its own threads, so one test file at a time.
const shared = weftTests();

export default defineConfig({
  ...shared,
  test: {
    ...shared.test,
    maxWorkers: 1,
    setupFiles: [fileURLToPath(new URL('../testing/src/setup-backend.ts', import.meta.url))],
    reporters: ['default', ['json', { outputFile: process.env.WEFT_TENSORFLOW_RESULTS }]],
  },
});
