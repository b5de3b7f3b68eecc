import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packages, packOne } from './pack.js';

const samples = fileURLToPath(new URL('../stranger/', import.meta.url));
const names = readdirSync(samples)
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.replace('.ts', ''));
const folder = mkdtempSync(join(tmpdir(), 'weft-stranger-'));
const noNetwork = pathToFileURL(join(folder, 'no-network.mjs')).href;

function run(command: string, args: readonly string[], env: Record<string, string> = {}): string {
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd: folder,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed:\n${stdout}\n${stderr}`);
  return stdout;
}

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
    writeFileSync(
      join(folder, 'no-network.mjs'),
      `import { Socket } from 'node:net';
Socket.prototype.connect = () => { throw new Error('the network was asked for'); };
`,
    );
    run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline']);
    // What the packages do at install may compile, and may not fetch.
    run('npm', ['rebuild', '--no-update-notifier'], { NODE_OPTIONS: `--import=${noNetwork}` });
    run('npx', [
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
    ]);
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
      run('npm', ['ls', '@tensorflow/tfjs-core', '--all', '--json']),
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

  it('fetches npm packages and nothing else', () => {
    const { packages: installed } = JSON.parse(readFileSync(join(folder, 'package-lock.json'), 'utf8')) as {
      packages: Record<string, { resolved?: string; hasInstallScript?: boolean }>;
    };
    const fetched = Object.values(installed).flatMap(({ resolved }) => resolved ?? []);
    expect(fetched.filter((from) => !/^(file:|https?:\/\/.+\/-\/[^/]+\.tgz$)/.test(from))).toEqual([]);
    const withScripts = Object.entries(installed)
      .filter(([, { hasInstallScript }]) => hasInstallScript)
      .map(([path]) => path.replace(/^.*node_modules\//, ''));
    // The backend compiles its addon; core-js, which tfjs asks for, prints a line.
    expect(new Set(withScripts)).toEqual(new Set(['@weft/backend', 'core-js']));
  });

  for (const name of names) {
    it(`@weft/${name} works in ten lines`, () => {
      expect(run('node', ['--import', noNetwork, join('out', `${name}.js`)])).toContain('ok');
    });
  }

  for (const version of ['22', '24']) {
    it(`all samples run under Node ${version}`, () => {
      const program = names.map((name) => `await import('./out/${name}.js');`).join('\n');
      writeFileSync(join(folder, 'all.mjs'), `${program}\nconsole.log(process.version);\n`);
      const node = ['--yes', '--prefer-offline', '-p', `node@${version}`, 'node'];
      const output = run('npx', [...node, '--import', noNetwork, 'all.mjs']);
      expect(output).toMatch(new RegExp(`v${version}\\.`));
    }, 300_000);
  }
});
