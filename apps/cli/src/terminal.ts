import { stripVTControlCharacters } from 'node:util';
import { colors, noteColors } from './colors.js';

/** One JSON value a call, on its own line, for programs to read. */
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

export function printLine(text = ''): void {
  process.stdout.write(`${text}\n`);
}

/** What is told beside the result: on standard error, so that pipes carry the result alone. */
export function note(text: string): void {
  process.stderr.write(`${noteColors.dim(text)}\n`);
}

export function heading(text: string): void {
  printLine(colors.bold(text));
}

/** Columns that a text takes on a terminal, its colours aside. */
const widthOf = (text: string): number => stripVTControlCharacters(text).length;

/** Rows in columns as wide as their widest cell; numbers to the right. */
export function printTable(header: readonly string[], rows: readonly (readonly (string | number)[])[]): void {
  const cells = rows.map((row) => row.map(String));
  const widths = header.map((title, column) =>
    Math.max(title.length, ...cells.map((row) => widthOf(row[column] ?? ''))),
  );
  const numeric = header.map((_, column) => rows.every((row) => typeof row[column] === 'number'));
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => {
        const room = ' '.repeat(widths[column]! - widthOf(cell));
        return numeric[column] ? room + cell : cell + room;
      })
      .join('  ')
      .trimEnd();
  printLine(colors.dim(line(header)));
  for (const row of cells) printLine(line(row));
}

/** 1536 -> '1.5 kB', in powers of 1000. */
export function bytes(count: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = count;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

/** 124439808 -> '124.4 M'. */
export function amount(count: number): string {
  if (count < 1000) return String(count);
  if (count < 1e6) return `${(count / 1e3).toFixed(1)} k`;
  return count < 1e9 ? `${(count / 1e6).toFixed(1)} M` : `${(count / 1e9).toFixed(2)} B`;
}

/** 3725 seconds -> '1 h 02 min', as the Trainer's bar has it; asking the Trainer would load tfjs for `weft --help`. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const two = (value: number): string => String(value).padStart(2, '0');
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  return `${Math.floor(whole / 3600)} h ${two(Math.floor((whole % 3600) / 60))} min`;
}
