import { isWeftError } from '@weft/errors';
import { noteColors as colors } from './colors.js';

/** Exit codes of the command. */
export const exitCode = { done: 0, failed: 1, usage: 2, interrupted: 130 } as const;

/** Tells a person what went wrong, without a stack trace unless asked; gives the exit code. */
export function reportFailure(error: unknown, debug: boolean): number {
  if (error instanceof Error && error.name === 'AbortError') {
    process.stderr.write(`${colors.yellow('interrupted')}\n`);
    return exitCode.interrupted;
  }
  process.stderr.write(`${colors.red('error')} ${explain(error)}\n`);
  if (debug && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  if (isWeftError(error)) return exitCode.failed;
  if (!debug && !isFileSystemError(error)) {
    process.stderr.write(
      `${colors.dim('this was not foreseen; run again with --debug for the stack trace')}\n`,
    );
  }
  return exitCode.failed;
}

function explain(error: unknown): string {
  if (isWeftError(error)) {
    const { operation, expected, received, remedy } = error;
    return `in ${operation}\n  expected  ${expected}\n  received  ${received}\n  remedy    ${remedy}`;
  }
  return error instanceof Error ? error.message : String(error);
}

function isFileSystemError(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error && 'code' in error;
}
