import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { publishedPackages, root } from './workspace.js';

/**
 * The one-way order of the house: a package imports from floors below its own, never from its own floor.
 * tokenizer stands a floor above checkpoint because a hub id resolves through the hub cache.
 */
const floors = [
  ['errors'],
  ['checkpoint', 'attention'],
  ['tokenizer', 'generation', 'backend', 'trainer'],
  ['model'],
  ['gpt2', 'bert', 't5', 'marian'],
  ['mini-models'],
  ['pipelines'],
  ['demo-server'],
  ['cli'],
];

const floorOf = (name: string): number => floors.findIndex((floor) => floor.includes(name));

function sourceFiles(folder: string): string[] {
  return readdirSync(join(folder, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.tsx?$/.test(file) && !file.includes('.test.'))
    .map((file) => join(folder, 'src', file));
}

function importedPackages(file: string): string[] {
  // Doc comments show how users import a package; they are not imports of this file.
  const code = readFileSync(file, 'utf8').replace(/\/\*[\s\S]*?\*\//g, '');
  return [...code.matchAll(/(?:from|import|import\()\s*['"]@weft\/([a-z0-9-]+)/g)].map((match) => match[1]!);
}

describe('the one-way order of packages', () => {
  for (const { name, folder, manifest } of publishedPackages()) {
    it(`${name} stands on a floor and imports only from below`, () => {
      expect(floorOf(name), `${name} has no floor`).toBeGreaterThanOrEqual(0);
      for (const file of sourceFiles(folder)) {
        for (const imported of importedPackages(file)) {
          if (imported === name) continue;
          expect(
            floorOf(imported),
            `${relative(root, file)} imports @weft/${imported}, which does not stand below ${name}`,
          ).toBeLessThan(floorOf(name));
          expect(manifest.dependencies, `${name} imports @weft/${imported}`).toHaveProperty(
            `@weft/${imported}`,
          );
        }
      }
    });

    it(`${name} depends on weft's packages by workspace: and only on those below`, () => {
      for (const [dependency, range] of Object.entries(manifest.dependencies ?? {})) {
        if (!dependency.startsWith('@weft/')) continue;
        expect(range).toMatch(/^workspace:/);
        expect(floorOf(dependency.replace('@weft/', ''))).toBeLessThan(floorOf(name));
      }
    });
  }
});
