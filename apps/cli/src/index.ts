import { CommanderError } from 'commander';
import { exitCode, reportFailure } from './failure.js';
import { buildProgram } from './program.js';

export { exitCode } from './failure.js';

/**
 * Runs the command `weft` with these arguments and gives its exit code: 0 done, 1 failed, 2 wrong usage,
 * 130 interrupted.
 *
 * @example
 * ```ts
 * import { main } from '@weft/cli';
 *
 * const code = await main(['--version']);
 * console.assert(code === 0);
 * ```
 */
export async function main(args: readonly string[]): Promise<number> {
  const program = buildProgram();
  try {
    await program.parseAsync(args, { from: 'user' });
    return Number(process.exitCode ?? exitCode.done);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCode.done : exitCode.usage;
    return reportFailure(error, program.opts<{ debug?: boolean }>().debug === true);
  }
}
