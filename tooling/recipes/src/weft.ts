import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
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

/** Trains by `weft pretrain` or `weft finetune`: goes on where it stopped, does nothing where it has finished. */
export async function trainByCommand(
  out: string,
  args: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  if (existsSync(join(out, 'model.safetensors'))) return;
  await weft(
    [...args, '--output-dir', out, ...((await listCheckpoints(out)).length > 0 ? ['--resume'] : [])],
    signal,
  );
}

/** The last line of a command's `--json` output. */
export function lastJson(output: string): Record<string, unknown> {
  return JSON.parse(output.trimEnd().split('\n').at(-1)!) as Record<string, unknown>;
}
