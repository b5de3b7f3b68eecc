import { readFile } from 'node:fs/promises';
import { requirePipe } from '../input.js';

/**
 * The texts of a verb, one at a time: its arguments, else the lines of its files, else the lines of standard input.
 * Memory does not grow with their number.
 */
export async function* textsOf(
  args: readonly string[],
  files: readonly string[] | undefined,
): AsyncGenerator<string, void, void> {
  if (files === undefined && args.length > 0) {
    yield* args;
    return;
  }
  const { readLines } = await import('../data/lines.js');
  for (const path of files ?? ['-']) {
    const { source, stop } = await sourceOfLines(path);
    try {
      for await (const { values } of readLines(source)) yield String(values.text);
    } finally {
      stop();
    }
  }
}

async function sourceOfLines(
  path: string,
): Promise<ReturnType<typeof import('../data/measured.js').measured>> {
  if (path === '-') requirePipe();
  const [{ measured }, { sourceOf }] = await Promise.all([
    import('../data/measured.js'),
    import('../data/source.js'),
  ]);
  const source = sourceOf(path, { format: 'text' });
  // A bar among results on the same screen would be in their way.
  return process.stdout.isTTY ? { source, stop: () => {} } : measured(source, path);
}

/** The same, but a file or standard input is one text. */
export async function* wholeTextsOf(
  args: readonly string[],
  files: readonly string[] | undefined,
): AsyncGenerator<string, void, void> {
  if (files === undefined && args.length > 0) {
    yield* args;
    return;
  }
  for (const path of files ?? ['-']) yield (await readWhole(path)).trim();
}

/** A file, or standard input for "-", whole. */
export async function readWhole(path: string): Promise<string> {
  if (path !== '-') return readFile(path, 'utf8');
  requirePipe();
  process.stdin.setEncoding('utf8');
  let text = '';
  for await (const chunk of process.stdin) text += chunk as string;
  return text;
}
