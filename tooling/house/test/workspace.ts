import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface Manifest {
  name: string;
  version: string;
  private?: boolean;
  dependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
  bin?: Record<string, string>;
}

export interface WorkspacePackage {
  /** The name without the scope. */
  name: string;
  folder: string;
  manifest: Manifest;
}

export const root = fileURLToPath(new URL('../../../', import.meta.url));

/** The packages and apps that are published, in the order of their folders. */
export function publishedPackages(): WorkspacePackage[] {
  return ['packages', 'apps'].flatMap((group) =>
    readdirSync(join(root, group))
      .map((entry) => join(root, group, entry))
      .filter((folder) => existsSync(join(folder, 'package.json')))
      .map((folder) => {
        const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
        return { name: manifest.name.replace('@weft/', ''), folder, manifest };
      }),
  );
}
