// Checks and tests of every package, then one line with the count of all tests.
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pnpm, root } from './run.mjs';

// The page of the demo server is a package inside another.
const packages = ['packages', 'apps', 'apps/demo-server', 'tooling'].flatMap((folder) =>
  readdirSync(join(root, folder), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(root, folder, entry.name)),
);
for (const folder of packages) rmSync(join(folder, '.results', 'vitest.json'), { force: true });

const status = pnpm(
  'exec',
  'turbo',
  'run',
  'check',
  'test',
  '--continue',
  '--concurrency=2',
  '--output-logs=new-only',
);

let passed = 0;
let failed = 0;
let skipped = 0;
for (const folder of packages) {
  let report;
  try {
    report = JSON.parse(readFileSync(join(folder, '.results', 'vitest.json'), 'utf8'));
  } catch {
    continue; // a package without tests, or one whose run the exit status tells of
  }
  passed += report.numPassedTests;
  failed += report.numFailedTests;
  skipped += report.numPendingTests + report.numTodoTests;
}
process.stdout.write(`\n${passed} passed, ${failed} failed, ${skipped} skipped\n`);
process.exit(status !== 0 || failed > 0 || passed === 0 ? 1 : 0);
