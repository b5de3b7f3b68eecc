import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packages, packOne } from './pack.js';

const samples = fileURLToPath(new URL('../stranger/', import.meta.url));
const names = readdirSync(samples)
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.replace('.ts', ''));
const folder = mkdtempSync(join(tmpdir(), 'weft-stranger-'));
const run = (command: string, ...args: string[]): string =>
  execFileSync(command, args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A stranger's use: the tarballs in an empty folder, npm alone, ten lines of TypeScript a package. */
describe('packed and installed outside the workspace', () => {
  beforeAll(() => {
    const tarballs = packages().map((each) => [each.manifest.name, `file:${packOne(each, folder)}`]);
    const manifest = {
      name: 'stranger',
      private: true,
      type: 'module',
      dependencies: { ...Object.fromEntries(tarballs), '@tensorflow/tfjs': '4.22.0' },
      devDependencies: { typescript: '7.0.2', '@types/node': '^20.19.43' },
    };
    writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
    for (const name of names) copyFileSync(join(samples, `${name}.ts`), join(folder, `${name}.ts`));
    run('npm', 'install', '--no-audit', '--no-fund', '--prefer-offline');
    run(
      'npx',
      ...[
        'tsc',
        '--strict',
        '--module',
        'nodenext',
        '--target',
        'es2022',
        '--lib',
        'es2023,esnext.disposable',
      ],
      ...['--types', 'node', '--skipLibCheck', '--outDir', 'out', ...names.map((name) => `${name}.ts`)],
    );
  }, 600_000);

  it('has a sample for every package', () => {
    expect(names.sort()).toEqual(
      packages()
        .map(({ name }) => name)
        .sort(),
    );
  });

  it('installs one copy of tfjs', () => {
    const { problems, dependencies } = JSON.parse(
      run('npm', 'ls', '@tensorflow/tfjs-core', '--all', '--json'),
    ) as {
      problems?: string[];
      dependencies: Record<string, unknown>;
    };
    expect(problems).toBeUndefined();
    const versions = new Set(JSON.stringify(dependencies).match(/tfjs-core-[0-9.]+\.tgz/g));
    expect(versions.size).toBeLessThanOrEqual(1);
    const copies = readdirSync(join(folder, 'node_modules'), { recursive: true, encoding: 'utf8' }).filter(
      (path) => path.endsWith('@tensorflow/tfjs-core/package.json'),
    );
    expect(copies).toEqual(['@tensorflow/tfjs-core/package.json']);
  });

  for (const name of names) {
    it(`@weft/${name} works in ten lines`, () => {
      expect(run('node', join('out', `${name}.js`))).toContain('ok');
    });
  }

  for (const version of ['22', '24']) {
    it(`all samples run under Node ${version}`, () => {
      const program = names.map((name) => `await import('./out/${name}.js');`).join('\n');
      writeFileSync(join(folder, 'all.mjs'), `${program}\nconsole.log(process.version);\n`);
      const output = run('npx', '--yes', '--prefer-offline', '-p', `node@${version}`, 'node', 'all.mjs');
      expect(output).toMatch(new RegExp(`v${version}\\.`));
    }, 300_000);
  }
});
