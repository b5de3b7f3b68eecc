import { readdir, realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';

/** A name of one to three parts, none of which can lead anywhere else. */
const ID = /^[A-Za-z0-9_][\w.-]*(\/[A-Za-z0-9_][\w.-]*){0,2}$/;
const MAX_ID = 200;

/** Folders of model folders. A name leads to a folder inside them or nowhere, whatever links lie there. */
export class ModelRoots {
  constructor(private readonly roots: readonly string[]) {}

  /** The folder of a model, undefined where no root has one of that name. */
  async find(id: string): Promise<string | undefined> {
    if (id.length > MAX_ID || !ID.test(id) || id.includes('..')) return undefined;
    for (const root of this.roots) {
      const folder = await modelFolder(root, id);
      if (folder !== undefined) return folder;
    }
    return undefined;
  }

  /** The names of all model folders, down to owner/name. */
  async list(): Promise<string[]> {
    const names = new Set<string>();
    for (const root of this.roots) {
      for (const name of await folders(root)) {
        if (!ID.test(name)) continue;
        if (await modelFolder(root, name)) names.add(name);
        else {
          for (const inner of await folders(join(root, name))) {
            const id = `${name}/${inner}`;
            if (ID.test(id) && (await modelFolder(root, id))) names.add(id);
          }
        }
      }
    }
    return [...names].sort();
  }
}

async function modelFolder(root: string, id: string): Promise<string | undefined> {
  try {
    const base = await realpath(root);
    const folder = await realpath(join(base, ...id.split('/')));
    if (!folder.startsWith(base + sep)) return undefined;
    // A link in place of the file could show any file's content in an error.
    const config = await realpath(join(folder, 'config.json'));
    if (!config.startsWith(base + sep) || !(await stat(config)).isFile()) return undefined;
    return folder;
  } catch {
    return undefined;
  }
}

async function folders(path: string): Promise<string[]> {
  try {
    const entries = await readdir(path, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  } catch {
    return [];
  }
}
