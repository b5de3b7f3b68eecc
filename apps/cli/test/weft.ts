import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** The command as a process, out of dist/, which the build has made before. */
export const bin = fileURLToPath(new URL('../dist/bin.js', import.meta.url));

const packages = new URL('../../../packages/', import.meta.url);

/** A folder or file of a package's fixtures. */
export const fixture = (path: string): string => fileURLToPath(new URL(path, packages));

export interface Result {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  input?: string;
  env?: Record<string, string>;
  cwd?: string;
  /** Sends SIGINT when standard error first matches. */
  interruptAt?: RegExp;
}

/** As a build machine runs it: `CI` set, colour neither asked for nor forbidden, no hub. */
export const quiet = { HF_HUB_OFFLINE: '1', CI: '1', FORCE_COLOR: undefined, NO_COLOR: undefined };

/** Runs weft with these arguments to its end. */
export function weft(args: string[], options: RunOptions = {}): Promise<Result> {
  return run(process.execPath, [bin, ...args], options);
}

/** Runs a program to its end, with the surroundings of a build machine. */
export function run(
  program: string,
  args: string[],
  { input, env, cwd, interruptAt }: RunOptions = {},
): Promise<Result> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      env: { ...process.env, ...quiet, ...env },
      ...(cwd === undefined ? {} : { cwd }),
    });
    let [stdout, stderr, interrupted] = ['', '', false];
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString();
      if (interruptAt?.test(stderr) && !interrupted) {
        interrupted = true;
        child.kill('SIGINT');
      }
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
    // A program that does not read its input may be gone before it is written.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input ?? '');
  });
}
