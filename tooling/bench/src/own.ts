import { execFile, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type MeasureOptions, median, type Result } from './measure.js';

/** A time that is held against a number of seconds instead of a peer. */
interface OwnEntry {
  name: string;
  measure(options: MeasureOptions): Promise<Result>;
}

const row = (workload: string, ours: number, goal: number): Result => ({
  workload,
  peer: 'goal',
  ours,
  theirs: goal,
  unit: 's',
  ratio: ours / goal,
  limit: 1,
});

const first = 'first token of a new process, 124M';
const build = 'build of the native addon at install';

export const ownEntries: readonly OwnEntry[] = [
  {
    name: first,
    measure: async ({ models, rounds }) => row(first, await firstToken(models, rounds), 0.8),
  },
  { name: build, measure: async () => row(build, await buildSeconds(), 60) },
];

const at = (path: string): string => fileURLToPath(new URL(`../../../${path}`, import.meta.url));

/** Seconds from the start of a process to the first generated token, its file in the page cache. */
export async function firstToken(models: string, rounds: number): Promise<number> {
  const args = [at('apps/cli/dist/bin.js'), 'generate', '-m', `${models}/gpt2`, '--greedy', '-n', '2', 'a'];
  const once = (): Promise<number> =>
    new Promise((resolve, reject) => {
      const started = performance.now();
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] });
      let pieces = 0;
      let seconds: number | undefined;
      child.stdout.on('data', () => {
        pieces++;
        // The prompt comes first, then the first token.
        if (pieces === 2) seconds = (performance.now() - started) / 1000;
      });
      child.on('error', reject);
      child.on('exit', () => resolve(seconds ?? (performance.now() - started) / 1000));
    });
  await once();
  const times: number[] = [];
  for (let i = 0; i < rounds; i++) times.push(await once());
  return median(times);
}

/** Seconds that the install step compiles for, with nothing compiled before. */
async function buildSeconds(): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'weft-build-'));
  try {
    const started = performance.now();
    await promisify(execFile)(process.execPath, [
      at('packages/backend/native/build.mjs'),
      `--into=${folder}`,
    ]);
    return (performance.now() - started) / 1000;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
