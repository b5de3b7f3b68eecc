import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { isAlive } from './processes.js';

// A download writes to a file that no other process writes to: `<blob>.weft-<host>-<pid>-<random>.incomplete`.
// One that fails leaves what has come as `<blob>.weft.incomplete`, for whoever comes next to take up by a
// rename, which only one can win. Python's own `<blob>.incomplete` stays Python's: its lock cannot be seen here.

const host = hostname().replace(/[^\w]/g, '_');

/** A name to write to, with what an earlier try left under it where there is any. */
export async function claimPartial(target: string): Promise<string> {
  const partial = `${target}.weft-${host}-${process.pid}-${randomBytes(4).toString('hex')}.incomplete`;
  if (await renamed(resting(target), partial)) return partial;
  for (const orphan of await orphans(target)) if (await renamed(orphan, partial)) break;
  return partial;
}

/** Leaves what has come to the next try. */
export async function releasePartial(partial: string, target: string): Promise<void> {
  const size = await stat(partial).then(
    (stats) => stats.size,
    () => 0,
  );
  if (size > 0) await renamed(partial, resting(target));
  else await rm(partial, { force: true });
}

/** Gives a download the bytes of a file that is here under another name, as if an earlier try had left them. */
export async function seedPartial(source: string, target: string): Promise<void> {
  if (existsSync(resting(target))) return;
  await mkdir(dirname(target), { recursive: true });
  await copyFile(source, resting(target));
}

function resting(target: string): string {
  return `${target}.weft.incomplete`;
}

/** What processes of this machine left that were killed. */
async function orphans(target: string): Promise<string[]> {
  const folder = dirname(target);
  const prefix = `${basename(target)}.weft-${host}-`;
  const names = (await readdir(folder)).filter((name) => name.startsWith(prefix));
  return names
    .filter((name) => !isAlive(Number.parseInt(name.slice(prefix.length), 10)))
    .map((name) => join(folder, name));
}

async function renamed(from: string, to: string): Promise<boolean> {
  return rename(from, to).then(
    () => true,
    () => false,
  );
}
