// Everything that a fresh clone needs before it can run: dependencies, the native addon, compiled packages.
import { step } from './run.mjs';

step('installing packages', 'install', '--frozen-lockfile', '--prefer-offline', '--reporter=append-only');
step('building', 'exec', 'turbo', 'run', 'build', '--output-logs=errors-only');
