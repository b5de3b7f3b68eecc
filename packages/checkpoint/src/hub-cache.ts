import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { copyFile, mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { writeFileAtomic } from './atomic.js';

/** Where the hub is and where its files are kept: the same variables as Python reads. */
export const hubEnvironment = {
  endpoint: (): string => (process.env.HF_ENDPOINT || 'https://huggingface.co').replace(/\/+$/, ''),
  offline: (): boolean =>
    /^(1|true|yes|on)$/i.test(process.env.HF_HUB_OFFLINE || process.env.TRANSFORMERS_OFFLINE || ''),
  cacheDir: (): string =>
    expandHome(process.env.HF_HUB_CACHE || process.env.HUGGINGFACE_HUB_CACHE || join(homeDir(), 'hub')),
  token: (): string | undefined =>
    (process.env.HF_TOKEN || process.env.HUGGING_FACE_HUB_TOKEN)?.trim() || storedToken(),
};

function homeDir(): string {
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
  return expandHome(process.env.HF_HOME || join(cache, 'huggingface'));
}

function expandHome(path: string): string {
  return path === '~' || path.startsWith('~/') ? join(homedir(), path.slice(1)) : path;
}

/** The token that `hf auth login` stored. */
function storedToken(): string | undefined {
  const path = expandHome(process.env.HF_TOKEN_PATH || join(homeDir(), 'token'));
  return existsSync(path) ? readFileSync(path, 'utf8').trim() || undefined : undefined;
}

/**
 * One model in the cache, laid out as Python's huggingface_hub does: blobs by hash, snapshots by commit whose
 * files link to blobs, refs from branch or tag to commit, and marks for files known not to exist.
 */
export class CachedModel {
  readonly folder: string;

  constructor(cacheDir: string, id: string) {
    this.folder = join(cacheDir, `models--${id.replaceAll('/', '--')}`);
  }

  /** The commit of a revision, where it is known without asking the hub. */
  commitOf(revision: string): string | undefined {
    if (/^[0-9a-f]{40}$/.test(revision)) return revision;
    const path = join(this.folder, 'refs', revision);
    return existsSync(path) ? readFileSync(path, 'utf8').trim() : undefined;
  }

  /** The path of a file of a commit, if it is here. */
  find(commit: string, file: string): string | undefined {
    const path = this.pointer(commit, file);
    return existsSync(path) ? path : undefined;
  }

  isKnownAbsent(commit: string, file: string): boolean {
    return existsSync(join(this.folder, '.no_exist', commit, file));
  }

  snapshot(commit: string): string {
    return join(this.folder, 'snapshots', commit);
  }

  pointer(commit: string, file: string): string {
    return join(this.snapshot(commit), file);
  }

  blob(etag: string): string {
    return join(this.folder, 'blobs', etag);
  }

  async markAbsent(commit: string, file: string): Promise<void> {
    const path = join(this.folder, '.no_exist', commit, file);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, '');
  }

  async recordRevision(revision: string, commit: string): Promise<void> {
    if (revision === commit) return;
    await writeFileAtomic(join(this.folder, 'refs', revision), commit);
  }

  /** Makes a snapshot's file point to its blob; a copy where the system has no symbolic links. */
  async link(commit: string, file: string, etag: string): Promise<string> {
    const pointer = this.pointer(commit, file);
    const blob = this.blob(etag);
    await mkdir(dirname(pointer), { recursive: true });
    const temporary = `${pointer}.${process.pid}.${randomBytes(4).toString('hex')}.tmp`;
    try {
      await symlink(relative(dirname(pointer), blob), temporary).catch(() => copyFile(blob, temporary));
      await rename(temporary, pointer);
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
    return pointer;
  }
}
