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

/** An option that may be given several times; a list that went on would swallow the arguments behind it. */
export const repeatableOption = (flags: string, description: string): Option =>
  new Option(flags, description).argParser((value: string, before: string[] = []) => [...before, value]);

/** Read from HF_TOKEN too, where no list of processes shows it. */
export const tokenOption = (): Option =>
  new Option('--token <token>', 'for private and gated models; better set HF_TOKEN').env('HF_TOKEN');

const units: Record<string, number> = {
  ...{ '': 1, b: 1, kb: 1e3, mb: 1e6, gb: 1e9, tb: 1e12 },
  ...{ kib: 2 ** 10, mib: 2 ** 20, gib: 2 ** 30, tib: 2 ** 40 },
};

/** '500MB' -> 500000000; GB and GiB as everywhere. */
export function parseBytes(text: string): number {
  const [, amount, unit = ''] = /^\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*$/i.exec(text) ?? [];
  const factor = units[unit.toLowerCase()];
  const value = Math.floor(Number(amount) * (factor ?? Number.NaN));
  if (!(value > 0)) throw new InvalidArgumentError('It must be a size, such as 500MB, 2GB or 1GiB.');
  return value;
}
