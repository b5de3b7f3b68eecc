import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { afterAll, describe, expect, it } from 'vitest';
import { packages, packOne } from './pack.js';

const folder = mkdtempSync(join(tmpdir(), 'weft-pack-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('what pnpm pack gives', () => {
  for (const each of packages()) {
    it(`${each.name}: no published file is missing, publint and attw hold`, async () => {
      const tarball = packOne(each, folder);
      const unpacked = mkdtempSync(join(folder, 'unpacked-'));
      execFileSync('tar', ['-xzf', tarball, '-C', unpacked]);
      const packed = join(unpacked, 'package');

      for (const file of ['README.md', 'LICENSE', 'dist/index.js', 'dist/index.d.ts']) {
        expect(existsSync(join(packed, file)), `${each.name} lacks ${file}`).toBe(true);
      }
      for (const target of Object.values(each.manifest.bin ?? {})) {
        expect(readFileSync(join(packed, target), 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/);
      }
      expectImportsResolve(packed);
      expectNoWorkspaceRanges(packed);

      const { messages, pkg } = await publint({
        pkgDir: packed,
        pack: false,
        level: 'warning',
        strict: true,
      });
      expect(messages.map((message) => formatMessage(message, pkg ?? {}))).toEqual([]);
      execFileSync(attw, [tarball, '--profile', 'esm-only'], { encoding: 'utf8' });
    });
  }
});

const attw = new URL('../../../node_modules/.bin/attw', import.meta.url).pathname;

/** Each relative import of a packed JavaScript file names a file that is packed too. */
function expectImportsResolve(packed: string): void {
  const dist = join(packed, 'dist');
  for (const file of readdirSync(dist, { recursive: true, encoding: 'utf8' })) {
    if (!/\.(js|d\.ts)$/.test(file)) continue;
    const code = readFileSync(join(dist, file), 'utf8').replace(/\/\*[\s\S]*?\*\//g, '');
    for (const [, target] of code.matchAll(/(?:from|import|import\()\s*['"](\.{1,2}\/[^'"]+)['"]/g)) {
      const resolved = join(dist, file, '..', target!);
      expect(existsSync(resolved), `dist/${file} imports ${target}, which is not packed`).toBe(true);
    }
    expect(file, 'tests are not published').not.toContain('.test.');
  }
}

function expectNoWorkspaceRanges(packed: string): void {
  expect(readFileSync(join(packed, 'package.json'), 'utf8')).not.toContain('"workspace:');
}
