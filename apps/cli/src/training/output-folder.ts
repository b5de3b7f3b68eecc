import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigError, isWeftError, TrainingError } from '@weft/errors';

/**
 * Sees to it that a run does not write over another one unasked: its folder is new, or is gone on with, or is to be
 * overwritten, which takes its checkpoints away.
 *
 * @throws ConfigError
 */
export async function prepareOutputFolder(
  folder: string,
  { resume, overwrite }: { resume: boolean; overwrite: boolean },
): Promise<void> {
  if (resume) return;
  const { listCheckpoints } = await import('@weft/trainer');
  const checkpoints = await listCheckpoints(folder);
  if (overwrite) {
    for (const checkpoint of checkpoints) await rm(checkpoint.folder, { recursive: true, force: true });
    return;
  }
  const finished = existsSync(join(folder, 'model.safetensors'));
  if (checkpoints.length === 0 && !finished) return;
  throw new ConfigError({
    operation: 'start training',
    expected: `a new folder for ${folder}`,
    received: finished ? 'one with a model' : `one with ${checkpoints.length} checkpoints`,
    remedy: 'go on with --resume, name another --output-dir, or pass --overwrite-output-dir',
  });
}

/** Training that stopped by itself, told with the checkpoint that is left. */
export async function withLastCheckpoint<T>(folder: string, train: () => Promise<T>): Promise<T> {
  try {
    return await train();
  } catch (error) {
    if (!isWeftError(error) || !isStopped(error)) throw error;
    const { listCheckpoints } = await import('@weft/trainer');
    const last = (await listCheckpoints(folder)).at(-1);
    throw new TrainingError({
      operation: error.operation,
      expected: error.expected,
      received: error.received,
      remedy: last
        ? `lower --learning-rate or warm up longer; ${last.folder} is the last good checkpoint`
        : 'lower --learning-rate or warm up longer; no checkpoint was written yet, --save-steps writes more of them',
      step: error.step,
      cause: error,
    });
  }
}

const isStopped = (error: object): error is TrainingError & { step: number } =>
  'step' in error &&
  typeof error.step === 'number' &&
  'expected' in error &&
  /finite/.test(String(error.expected));
