import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeJsonAtomic } from '@weft/checkpoint';
import { DataError } from '@weft/errors';

const root = fileURLToPath(new URL('../../../', import.meta.url));

/** A file of the data folder, which WEFT_DATA names; by default it stands beside the project. */
export function dataFile(path: string): string {
  const folder = process.env.WEFT_DATA ?? join(root, '../shared/data');
  const file = join(folder, path);
  if (existsSync(file)) return readFileSync(file, 'utf8');
  throw new DataError({
    operation: 'read training data',
    expected: `the file ${path} in the data folder`,
    received: `no such file in ${folder}`,
    remedy: 'set WEFT_DATA to the folder that holds the data sets',
  });
}

/** Where a recipe's runs go unless a folder is named; WEFT_RUNS overrules it. */
export function runFolder(name: string): string {
  return join(process.env.WEFT_RUNS ?? join(root, 'runs'), name);
}

/** The outcome of a run beside its checkpoints. */
export async function writeReport(folder: string, report: Record<string, unknown>): Promise<void> {
  await writeJsonAtomic(join(folder, 'report.json'), report);
  process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
}

/** Lines of a file without the empty one at its end. */
export function lines(text: string): string[] {
  const rows = text.split(/\r?\n/);
  if (rows.at(-1) === '') rows.pop();
  return rows;
}
