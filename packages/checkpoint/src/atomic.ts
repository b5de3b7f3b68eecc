import { randomBytes } from 'node:crypto';
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { CheckpointError } from '@weft/errors';

/**
 * Writes a file so that its name holds the old content or the new one, whole, whatever happens in between:
 * under a temporary name in the same folder, synced, then renamed. A function gets the open file and writes to
 * it piece by piece. Folders on the way are made.
 *
 * @throws CheckpointError when the system refuses (a full disk, no permission); the old content stays
 * @example
 * ```ts
 * import { mkdtemp, readFile } from 'node:fs/promises';
 * import { tmpdir } from 'node:os';
 * import { join } from 'node:path';
 * import { writeFileAtomic } from '@weft/checkpoint';
 *
 * const file = join(await mkdtemp(join(tmpdir(), 'weft-')), 'note.txt');
 * await writeFileAtomic(file, 'whole or absent');
 * console.assert((await readFile(file, 'utf8')) === 'whole or absent');
 * ```
 */
export async function writeFileAtomic(
  path: string,
  content: string | Uint8Array | ((file: FileHandle) => Promise<void>),
): Promise<void> {
  const temporary = `${path}.${process.pid}.${randomBytes(4).toString('hex')}.tmp`;
  try {
    await mkdir(dirname(path), { recursive: true });
    const file = await open(temporary, 'wx');
    try {
      if (typeof content === 'function') await content(file);
      else await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
    await syncFolder(dirname(path));
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw isSystemError(error) ? refused(path, error) : error;
  }
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error;
}

function refused(path: string, cause: NodeJS.ErrnoException): CheckpointError {
  return new CheckpointError({
    operation: 'write file',
    expected: `room and permission to write ${path}`,
    received: cause.code === 'ENOSPC' ? 'a full disk (ENOSPC)' : cause.message,
    remedy: 'make room, or write elsewhere; what stood there before is unharmed',
    file: path,
    cause,
  });
}

/** JSON with an indent of two, as Hugging Face's files have it. */
export function writeJsonAtomic(path: string, value: unknown): Promise<void> {
  return writeFileAtomic(path, `${JSON.stringify(value, null, 2)}\n`);
}

/** Makes renames in a folder last through a power cut, where the system can. */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } catch (error) {
    // Some network file systems have no sync for folders.
    if (!['EINVAL', 'ENOTSUP', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  } finally {
    await folder.close();
  }
}
