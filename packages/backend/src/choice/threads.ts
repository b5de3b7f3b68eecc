import { BackendError, InputError } from '@weft/errors';
import { loadAddon } from '../addon/load.js';

/**
 * Sets how many threads the native kernels use, from now on, in the whole process.
 *
 * @throws InputError when `count` is not a whole number from 1 to 256
 * @throws BackendError when the native backend does not load here
 */
export function setThreads(count: number): void {
  if (!Number.isInteger(count) || count < 1 || count > 256) {
    throw new InputError({
      operation: 'setThreads',
      expected: 'a whole number of threads from 1 to 256',
      received: String(count),
      remedy: 'use as many as the machine has cores',
    });
  }
  const { addon, failures } = loadAddon();
  if (addon === undefined) {
    throw new BackendError({
      operation: 'setThreads',
      expected: 'the native addon',
      received: failures.map(({ path, problem }) => `${path}: ${problem}`).join('; '),
      remedy: 'install a C++ compiler and run `npm rebuild @weft/backend`',
    });
  }
  addon.useThreads(count);
}
