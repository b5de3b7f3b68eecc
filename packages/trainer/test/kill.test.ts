import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SafetensorsFile } from '@weft/checkpoint';
import { seededRandom } from '@weft/testing';
import { rolldown } from 'rolldown';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const here = fileURLToPath(new URL('.', import.meta.url));
const bundle = join(here, '..', '.results', 'train-until-killed.mjs');
const STEPS = 40;
const KILLS = 20;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'weft-kill-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The child as plain JavaScript, made from the sources, so that no build is needed. */
async function bundleChild(): Promise<void> {
  const packages = join(here, '..', '..');
  const alias = Object.fromEntries(
    readdirSync(packages)
      .filter((name) => existsSync(join(packages, name, 'src', 'index.ts')))
      .map((name) => [`@weft/${name}`, join(packages, name, 'src', 'index.ts')]),
  );
  const build = await rolldown({
    input: join(here, 'train-until-killed.ts'),
    platform: 'node',
    external: [/^@tensorflow\//],
    resolve: { alias },
    transform: { target: 'es2022' },
    logLevel: 'silent',
  });
  await build.write({ file: bundle, format: 'esm', codeSplitting: false });
  await build.close();
}

/** Runs the child; kills it so many milliseconds after it has begun to train. Says whether it came to its end. */
function train(outputDir: string, killAfter: number | undefined): Promise<boolean> {
  const child = spawn(process.execPath, [bundle, outputDir, String(STEPS)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let errors = '';
  child.stderr.on('data', (data: Buffer) => {
    errors += data.toString();
  });
  child.stdout.once('data', () => {
    if (killAfter !== undefined) setTimeout(() => child.kill('SIGKILL'), killAfter);
  });
  return new Promise((resolve, reject) => {
    child.once('close', (code, signal) => {
      if (signal === 'SIGKILL') resolve(false);
      else if (code === 0) resolve(true);
      else reject(new Error(`the child failed with ${code}: ${errors}`));
    });
  });
}

const digest = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');

/** Digests of all that a run leaves, and its log without the times. */
function results(outputDir: string): Record<string, unknown> {
  const found: Record<string, unknown> = { final: digest(join(outputDir, 'final', 'model.safetensors')) };
  for (const name of readdirSync(outputDir).filter((each) => each.startsWith('checkpoint-'))) {
    for (const file of ['model.safetensors', 'optimizer.safetensors', 'training_progress.json'])
      found[`${name}/${file}`] = digest(join(outputDir, name, file));
    const state = JSON.parse(readFileSync(join(outputDir, name, 'trainer_state.json'), 'utf8')) as {
      log_history: Record<string, number>[];
      best_model_checkpoint: string;
    };
    state.best_model_checkpoint = state.best_model_checkpoint.replace(/.*\//, '');
    const timed = /_runtime$|_per_second$/;
    state.log_history = state.log_history.map((entry) =>
      Object.fromEntries(Object.entries(entry).filter(([key]) => !timed.test(key))),
    );
    found[`${name}/state`] = state;
  }
  return found;
}

function expectWholeCheckpoints(outputDir: string): void {
  if (!existsSync(outputDir)) return;
  for (const name of readdirSync(outputDir).filter((each) => each.startsWith('checkpoint-'))) {
    for (const file of ['model.safetensors', 'optimizer.safetensors']) {
      using tensors = new SafetensorsFile(join(outputDir, name, file));
      expect(tensors.names().length).toBeGreaterThan(0);
    }
    for (const file of ['trainer_state.json', 'training_progress.json', 'config.json'])
      JSON.parse(readFileSync(join(outputDir, name, file), 'utf8'));
  }
}

describe.skipIf(process.env.WEFT_TEST_BACKEND !== 'wasm')(
  'a run that is killed (once, whatever the backend)',
  () => {
    it(`ends with the same bytes as one that is not, after ${KILLS} kills at random moments`, async () => {
      await bundleChild();
      const whole = join(folder, 'whole');
      const started = performance.now();
      expect(await train(whole, undefined)).toBe(true);
      const expected = results(whole);
      const random = seededRandom(Date.now());
      let kills = 0;
      let run = 0;
      const finished: string[] = [];
      const span = Math.min(400, (performance.now() - started) / 6);
      while (kills < KILLS) {
        const outputDir = join(folder, `run-${run}`);
        if (await train(outputDir, random() * span)) {
          finished.push(outputDir);
          run++;
          continue;
        }
        kills++;
        expectWholeCheckpoints(outputDir);
      }
      const last = join(folder, `run-${run}`);
      expect(await train(last, undefined)).toBe(true);
      for (const outputDir of [...finished, last]) {
        expect(results(outputDir)).toEqual(expected);
        expect(readdirSync(outputDir).filter((name) => name.startsWith('.'))).toEqual([]);
      }
    }, 120_000);
  },
);
