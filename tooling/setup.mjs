// Everything that a fresh clone needs before it can run: dependencies, the native addon, compiled packages.
// With names of packages only those and what they stand on are compiled.
import { step } from './run.mjs';

const filters = process.argv.slice(2).map((name) => `--filter=${name}...`);
step('installing packages', 'install', '--frozen-lockfile', '--prefer-offline', '--reporter=append-only');
step('building', 'exec', 'turbo', 'run', 'build', '--output-logs=errors-only', ...filters);
