import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { miniModels } from '@weft/mini-models';
import { testExamples } from '@weft/testing';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { fillSmallHub } from './small-hub.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const here = fileURLToPath(new URL('..', import.meta.url));

let folder: string;
let before: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'weft-docs-'));
  vi.stubEnv('HF_HUB_CACHE', join(folder, 'hub'));
  vi.stubEnv('HF_HUB_OFFLINE', '1');
  await fillSmallHub(join(folder, 'hub'));
  // Samples write to ./results and the like.
  before = process.cwd();
  process.chdir(folder);
});
afterAll(() => {
  process.chdir(before);
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

testExamples(here, [
  ...['README.md', 'README.zh-CN.md', 'docs/from-python.md'].map((document) => join(root, document)),
  // The cards show pipelines, which stand above the package of the models.
  ...miniModels().map(({ folder: model }) => join(model, 'README.md')),
]);

it('the samples are sound TypeScript', () => {
  const project = join(here, '.results', 'tsconfig.json');
  writeFileSync(
    project,
    JSON.stringify({
      extends: '../tsconfig.test.json',
      compilerOptions: { rootDir: '../../..', noUnusedLocals: false },
      include: ['examples/*.ts'],
    }),
  );
  const tsc = join(root, 'node_modules', '.bin', 'tsc');
  const { stdout, status } = spawnSync(tsc, ['-p', project], {
    encoding: 'utf8',
    shell: process.platform === 'win32',
  });
  expect(stdout).toBe('');
  expect(status).toBe(0);
});
