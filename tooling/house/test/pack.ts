import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { publishedPackages, root, type WorkspacePackage } from './workspace.js';

const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  packageManager: string;
};

export const packages = publishedPackages;

/** Packs one package as a release does and gives the tarball's path. */
export function packOne(each: WorkspacePackage, destination: string): string {
  const output = execFileSync(
    'npx',
    ['--yes', packageManager, 'pack', '--pack-destination', destination, '--json'],
    { cwd: each.folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const { filename } = JSON.parse(output.slice(output.indexOf('{'))) as { filename: string };
  return filename.startsWith('/') ? filename : join(destination, filename);
}
