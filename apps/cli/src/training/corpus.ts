import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DataError } from '@weft/errors';

/** The texts of these files and folders (their .txt and .md files, in order), each cut into paragraphs. */
export async function readCorpus(paths: readonly string[]): Promise<string[]> {
  const files = (await Promise.all(paths.map(textFiles))).flat();
  const texts = await Promise.all(files.map((file) => readFile(file, 'utf8')));
  const paragraphs = texts.flatMap(splitIntoParagraphs);
  if (paragraphs.length > 0) return paragraphs;
  throw new DataError({
    operation: 'read corpus',
    expected: `text in ${paths.join(', ')}`,
    received: `${files.length} files without any`,
    remedy: 'name text files, or folders with .txt files',
  });
}

async function textFiles(path: string): Promise<string[]> {
  const stats = await stat(path);
  if (!stats.isDirectory()) return [path];
  const names = (await readdir(path)).filter((name) => /\.(txt|md)$/i.test(name));
  return names.sort().map((name) => join(path, name));
}

/** Paragraphs end with a line break, so that a model learns where they end. */
export function splitIntoParagraphs(text: string): string[] {
  return text
    .replaceAll('\r\n', '\n')
    .split(/\n\s*\n/)
    .map((paragraph) => paragraph.replace(/\s*\n\s*/g, ' ').trim())
    .filter((paragraph) => paragraph !== '')
    .map((paragraph) => `${paragraph}\n`);
}

/** The last share of a list is held out, in order: what comes later is judged, not what was seen around it. */
export function holdOut<T>(items: readonly T[], share: number): { train: T[]; heldOut: T[] } {
  const cut = Math.max(1, Math.min(items.length - 1, Math.round(items.length * (1 - share))));
  return { train: items.slice(0, cut), heldOut: items.slice(cut) };
}
