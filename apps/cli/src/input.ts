import { readFile } from 'node:fs/promises';
import { InputError } from '@weft/errors';

/** The texts a verb works on: its arguments, else the lines of a file, else standard input as one text. */
export async function readTexts(args: readonly string[], file?: string): Promise<string[]> {
  if (file !== undefined) {
    const lines = (await readFile(file, 'utf8')).split(/\r?\n/);
    return lines.at(-1) === '' ? lines.slice(0, -1) : lines;
  }
  if (args.length > 0) return [...args];
  return [await readStandardInput()];
}

async function readStandardInput(): Promise<string> {
  requirePipe();
  process.stdin.setEncoding('utf8');
  let text = '';
  for await (const chunk of process.stdin) text += chunk as string;
  return text.replace(/\r?\n$/, '');
}

/** @throws InputError where nobody pipes anything in, instead of waiting for ever */
export function requirePipe(): void {
  if (!process.stdin.isTTY) return;
  throw new InputError({
    operation: 'weft',
    expected: 'a text as argument, in a file or on standard input',
    received: 'nothing, and a terminal as standard input',
    remedy: 'give the text as an argument, or pipe it in',
  });
}
