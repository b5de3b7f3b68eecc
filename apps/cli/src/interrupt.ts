import { isWeftError } from '@weft/errors';
import { exitCode } from './failure.js';

/**
 * Runs with a signal that Ctrl-C aborts; a second Ctrl-C ends the process at once. What stops for the signal ends
 * the command with exit code 130, after `goOn` has been said.
 */
export async function withInterrupt(
  run: (signal: AbortSignal) => Promise<void>,
  goOn?: string,
): Promise<void> {
  const controller = new AbortController();
  const interrupt = (): void => {
    if (controller.signal.aborted) process.exit(exitCode.interrupted);
    controller.abort();
    process.stderr.write('\nstopping after the step under way; press again to stop at once\n');
  };
  process.on('SIGINT', interrupt);
  try {
    await run(controller.signal);
  } catch (error) {
    if (!controller.signal.aborted) throw error;
    if (isWeftError(error)) process.stderr.write(`${error.received}\n`);
    if (goOn !== undefined) process.stderr.write(`${goOn}\n`);
    process.exitCode = exitCode.interrupted;
  } finally {
    process.off('SIGINT', interrupt);
  }
}
