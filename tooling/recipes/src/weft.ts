import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeJsonAtomic } from '@weft/checkpoint';
import { listCheckpoints } from '@weft/trainer';

const command = fileURLToPath(new URL('../../../apps/cli/dist/bin.js', import.meta.url));

/** Runs the command `weft` as a user does; rejects where it fails. Gives what it printed. */
export function weft(args: readonly string[], signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [command, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
    // The command saves a checkpoint at Ctrl-C.
    const interrupt = (): void => void child.kill('SIGINT');
    signal.addEventListener('abort', interrupt);
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    child.on('error', reject);
    child.on('close', (code) => {
      signal.removeEventListener('abort', interrupt);
      if (code === 0) resolve(output);
      else reject(new Error(`weft ${args[0]} ended with code ${code}`));
    });
  });
}

/**
 * Trains by `weft pretrain` or `weft finetune`: goes on where it stopped, does nothing where it has finished. Gives the
 * seconds by the clock that all its calls took together.
 */
export async function trainByCommand(
  out: string,
  args: readonly string[],
  signal: AbortSignal,
): Promise<number> {
  const file = `${out}.seconds.json`;
  const before = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as number) : 0;
  if (existsSync(join(out, 'model.safetensors'))) return before;
  const resume = (await listCheckpoints(out)).length > 0 ? ['--resume'] : [];
  const started = performance.now();
  const total = (): number => Math.round(before + (performance.now() - started) / 1e3);
  try {
    await weft([...args, '--output-dir', out, ...resume], signal);
  } finally {
    await writeJsonAtomic(file, total());
  }
  return total();
}

/** The last line of a command's `--json` output. */
export function lastJson(output: string): Record<string, unknown> {
  return JSON.parse(output.trimEnd().split('\n').at(-1)!) as Record<string, unknown>;
}
