import { InvalidArgumentError, Option } from 'commander';

function number(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) throw new InvalidArgumentError('It must be a number.');
  return value;
}

function integer(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isInteger(value) || value < 0) {
    throw new InvalidArgumentError('It must be a whole number, zero or more.');
  }
  return value;
}

/** An option that takes a whole number >= 0. */
export const integerOption = (flags: string, description: string): Option =>
  new Option(flags, description).argParser(integer);

/** An option that takes a finite number. */
export const numberOption = (flags: string, description: string): Option =>
  new Option(flags, description).argParser(number);

/** `--json`, the same on every verb that has a result to print. */
export const jsonOption = (): Option => new Option('--json', 'print JSON lines, for programs to read');

export const localFilesOnlyOption = (): Option =>
  new Option('--local-files-only', 'take models from the cache alone, never from the hub');

export const revisionOption = (): Option =>
  new Option('--revision <name>', 'branch, tag or commit of a model of the hub');
