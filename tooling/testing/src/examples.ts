import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, it } from 'vitest';

interface Example {
  title: string;
  code: string;
}

/**
 * One test for each TypeScript example of a package: those of README.md and those under `@example` in the
 * doc comments of src/. An example passes when it runs to its end; it states what holds with node:assert
 * or console.assert, which throws here. A fence marked `ts no-run` is only for reading.
 *
 * @param documents other documents than the package's README.md; each example is left in
 * `.results/examples/example-N.ts`
 */
export function testExamples(
  packageFolder: string,
  documents: readonly string[] = [join(packageFolder, 'README.md')],
): void {
  const folder = join(packageFolder, '.results', 'examples');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const consoleAssert = console.assert;
  console.assert = (condition?: boolean, ...message: unknown[]) => {
    if (!condition) throw new Error(`console.assert failed: ${message.join(' ')}`);
  };
  afterAll(() => {
    console.assert = consoleAssert;
  });
  describe('documented examples run', () => {
    for (const [index, { title, code }] of findExamples(packageFolder, documents).entries()) {
      it(title, async () => {
        const file = join(folder, `example-${index}.ts`);
        writeFileSync(file, `${code}\nexport {};\n`);
        await import(pathToFileURL(file).href);
      });
    }
  });
}

function findExamples(packageFolder: string, documents: readonly string[]): Example[] {
  const source = join(packageFolder, 'src');
  const sources = (existsSync(source) ? readdirSync(source, { recursive: true, encoding: 'utf8' }) : [])
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .map((name) => join(source, name));
  return [...documents, ...sources].flatMap((file) => {
    const text = readFileSync(file, 'utf8');
    const lines = file.endsWith('.ts') ? text.replace(/^[ \t]*\*(?: |$)/gm, '') : text;
    return [...lines.matchAll(/^```ts\n([\s\S]*?)^```/gm)].map((match) => {
      const line = lines.slice(0, match.index).split('\n').length + 1;
      return { title: `${relative(packageFolder, file)}:${line}`, code: match[1] ?? '' };
    });
  });
}
