import { createReadStream } from 'node:fs';
import { open, readdir, readFile, realpath, stat } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { createInterface } from 'node:readline';
import { type Entry, parseEntry } from './entry.js';

const FILE = 'train.jsonl';
/** Folders below the watched one that are searched. */
const MAX_DEPTH = 3;
const MAX_RUNS = 200;
/** A run that was written to so recently is under way. */
const ACTIVE_MS = 30_000;

export interface Run {
  /** The folder of the log below the watched one, with slashes; '.' for itself. */
  id: string;
  modified: string;
  entries: number;
  step: number | null;
  loss: number | null;
  /** Where the run ends, as the newest checkpoint beside the log or above it tells. */
  maxSteps: number | null;
  active: boolean;
}

/** The logs of Trainers below a folder. */
export class Runs {
  private readonly folder: string;

  constructor(folder: string) {
    this.folder = resolve(folder);
  }

  /** All runs, newest first. */
  async list(): Promise<Run[]> {
    const files = await findLogs(this.folder, MAX_DEPTH);
    const runs = await Promise.all(files.slice(0, MAX_RUNS).map((file) => this.#describe(file)));
    return runs.filter((run) => run !== undefined).sort((a, b) => b.modified.localeCompare(a.modified));
  }

  /** A run, the newest without an id, with its file; undefined where there is none inside the watched folder. */
  async find(id: string | undefined): Promise<(Run & { file: string }) | undefined> {
    // A name is compared, never followed: it cannot lead out of the folder.
    const runs = await this.list();
    const run = id === undefined ? runs[0] : runs.find((each) => each.id === id);
    return run && { ...run, file: join(this.folder, run.id, FILE) };
  }

  /** Trainers keep their logs in the output folder or in one below it; checkpoints stand in the output folder. */
  async maxStepsOf(file: string): Promise<number | null> {
    for (const folder of [dirname(file), dirname(dirname(file))]) {
      if (!`${folder}${sep}`.startsWith(`${this.folder}${sep}`)) continue;
      const steps = (await readEntries(folder).catch(() => []))
        .map(({ name }) => Number(/^checkpoint-(\d+)$/.exec(name)?.[1]))
        .filter((step) => !Number.isNaN(step));
      if (steps.length === 0) continue;
      const state = join(folder, `checkpoint-${Math.max(...steps)}`, 'trainer_state.json');
      const found = await readMaxSteps(state);
      if (found !== null) return found;
    }
    return null;
  }

  #idOf(file: string): string {
    const name = relative(this.folder, dirname(file)).split(sep).join('/');
    return name === '' ? '.' : name;
  }

  async #describe(file: string): Promise<Run | undefined> {
    try {
      const { mtime } = await stat(file);
      let entries = 0;
      let last: Entry | undefined;
      let loss: number | null = null;
      for await (const line of createInterface({ input: createReadStream(file) })) {
        const entry = parseEntry(line);
        if (!entry) continue;
        entries++;
        last = entry;
        loss = entry.loss ?? loss;
      }
      const active = Date.now() - mtime.getTime() < ACTIVE_MS;
      const modified = mtime.toISOString();
      const maxSteps = await this.maxStepsOf(file);
      return { id: this.#idOf(file), modified, entries, step: last?.step ?? null, loss, maxSteps, active };
    } catch {
      // It went away while we looked.
      return undefined;
    }
  }
}

async function readMaxSteps(file: string): Promise<number | null> {
  try {
    const { max_steps: steps } = JSON.parse(await readFile(file, 'utf8')) as { max_steps?: unknown };
    return typeof steps === 'number' && steps > 0 ? steps : null;
  } catch {
    return null;
  }
}

async function findLogs(folder: string, depth: number): Promise<string[]> {
  const found: string[] = [];
  let entries: Awaited<ReturnType<typeof readEntries>>;
  try {
    entries = await readEntries(folder);
  } catch {
    return [];
  }
  for (const entry of entries) {
    if (entry.isFile() && entry.name === FILE) found.push(join(folder, FILE));
    // Links are not followed: a run is what lies in the folder.
    else if (entry.isDirectory() && depth > 0 && found.length < MAX_RUNS) {
      found.push(...(await findLogs(join(folder, entry.name), depth - 1)));
    }
  }
  return found;
}

const readEntries = (folder: string) => readdir(folder, { withFileTypes: true });

/** Reads what was appended to a file since `offset`; the new offset. */
export async function readFrom(file: string, offset: number): Promise<{ text: Buffer; offset: number }> {
  const handle = await open(await realpath(file), 'r');
  try {
    const { size } = await handle.stat();
    const length = Math.max(0, size - offset);
    const buffer = Buffer.alloc(length);
    const { bytesRead } = length > 0 ? await handle.read(buffer, 0, length, offset) : { bytesRead: 0 };
    return { text: buffer.subarray(0, bytesRead), offset: offset + bytesRead };
  } finally {
    await handle.close();
  }
}
