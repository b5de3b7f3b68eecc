import { mergeConfig } from 'vitest/config';
import { weftTests } from '../../tooling/testing/src/config.ts';

// One process for all files: what takes their time is loading tfjs, and the servers take ports of their own.
export default mergeConfig(weftTests({ include: ['e2e/**/*.test.ts'] }), {
  test: { isolate: false, maxWorkers: 1 },
});
