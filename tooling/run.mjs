// What the root scripts share: pnpm of the pinned version, started through npx because corepack's
// signature check fails against some registries.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));
const { packageManager } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));

/** Runs pnpm with these arguments, output shown; gives its exit status. */
export function pnpm(...args) {
  const { status } = spawnSync('npx', ['--yes', packageManager, ...args], {
    cwd: root,
    stdio: 'inherit',
    shell: process.platform === 'win32',
    env: { ...process.env, TURBO_TELEMETRY_DISABLED: '1', DO_NOT_TRACK: '1' },
  });
  return status ?? 1;
}

/** A named step of the set-up: says that it starts and how long it took, and ends the process if it fails. */
export function step(what, ...args) {
  const started = Date.now();
  process.stdout.write(`weft: ${what} ...\n`);
  const status = pnpm(...args);
  if (status !== 0) {
    process.stderr.write(`weft: ${what} failed; the lines above say why\n`);
    process.exit(status);
  }
  process.stdout.write(`weft: ${what} took ${((Date.now() - started) / 1000).toFixed(1)} s\n`);
}
