import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../../', import.meta.url));

/** The Markdown that git knows. */
function documents(): string[] {
  const listed = execFileSync('git', ['ls-files', '-z', '*.md'], { cwd: root, encoding: 'utf8' });
  return listed.split('\0').filter((name) => name !== '' && !name.startsWith('.changeset/'));
}

const heading = (text: string): string =>
  text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replace(/\s/g, '-');

const isRepository = existsSync(join(root, '.git'));

it.skipIf(!isRepository)('links between documents lead somewhere (skipped without a git repository)', () => {
  const astray: string[] = [];
  for (const document of documents().filter((name) => existsSync(join(root, name)))) {
    const text = readFileSync(join(root, document), 'utf8').replace(/^```[\s\S]*?^```/gm, '');
    for (const [, target = ''] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      const [path = '', anchor] = target.split('#');
      const file = path === '' ? join(root, document) : join(root, dirname(document), path);
      if (!existsSync(file)) astray.push(`${document}: ${target}`);
      else if (anchor && file.endsWith('.md')) {
        const anchors = [...readFileSync(file, 'utf8').matchAll(/^#+ (.+)$/gm)].map(([, title]) =>
          heading(title!),
        );
        if (!anchors.includes(anchor)) astray.push(`${document}: ${target}`);
      }
    }
  }
  expect(astray).toEqual([]);
});
