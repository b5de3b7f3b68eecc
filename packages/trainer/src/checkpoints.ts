import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { syncFolder, writeJsonAtomic } from '@weft/checkpoint';
import { TrainingError } from '@weft/errors';
import { stateFromJson, stateToJson, type TrainerState } from './state.js';

export const checkpointFiles = {
  optimizer: 'optimizer.safetensors',
  state: 'trainer_state.json',
  progress: 'training_progress.json',
} as const;

/** What a resumed run needs beside the model, the optimizer and the log to go on bit for bit. */
export interface Progress {
  dropout: { seed: number; offset: number };
  /** Sum of the losses of all steps. */
  totalLoss: number;
  /** Sum of the losses since the last log, and the step of that log. */
  recentLoss: number;
  lastLoggedStep: number;
  /** The epoch under way, and how many of its accumulation windows are done. */
  epoch: number;
  windows: number;
}

export const newProgress = (seed: number): Progress => ({
  dropout: { seed, offset: 0 },
  totalLoss: 0,
  recentLoss: 0,
  lastLoggedStep: 0,
  epoch: 0,
  windows: 0,
});

const name = (step: number): string => `checkpoint-${step}`;

/** Writes a checkpoint under a temporary name and renames it: it is whole or absent. Gives its folder. */
export async function writeCheckpoint(
  outputDir: string,
  state: TrainerState,
  progress: Progress,
  writeParts: (folder: string) => Promise<void>,
): Promise<string> {
  await mkdir(outputDir, { recursive: true });
  const folder = join(outputDir, name(state.globalStep));
  const temporary = join(outputDir, `.${name(state.globalStep)}.${process.pid}.tmp`);
  await rm(temporary, { recursive: true, force: true });
  await mkdir(temporary);
  try {
    await writeParts(temporary);
    await writeJsonAtomic(join(temporary, checkpointFiles.progress), progress);
    await writeJsonAtomic(join(temporary, checkpointFiles.state), stateToJson(state));
    await syncFolder(temporary);
    if (existsSync(folder)) await remove(folder);
    await rename(temporary, folder);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw error;
  }
  await syncFolder(outputDir);
  return folder;
}

/** @throws TrainingError when the folder is no checkpoint of a trainer */
export async function readCheckpoint(folder: string): Promise<{ state: TrainerState; progress: Progress }> {
  try {
    const read = async (file: string): Promise<unknown> =>
      JSON.parse(await readFile(join(folder, file), 'utf8'));
    const state = stateFromJson((await read(checkpointFiles.state)) as Record<string, unknown>);
    return { state, progress: (await read(checkpointFiles.progress)) as Progress };
  } catch (cause) {
    throw new TrainingError({
      operation: 'resume training',
      expected: `a checkpoint that a Trainer wrote in ${folder}`,
      received: (cause as Error).message,
      remedy: 'name a folder checkpoint-N of the output folder, or leave resumeFromCheckpoint out',
      cause,
    });
  }
}

/** The folder to go on from: the one named, or with `true` the newest; undefined where none is wanted. */
export async function checkpointToResume(
  outputDir: string,
  wanted: string | boolean | undefined,
): Promise<string | undefined> {
  if (typeof wanted === 'string') return wanted;
  if (wanted !== true) return undefined;
  const newest = (await listCheckpoints(outputDir)).at(-1);
  if (newest) return newest.folder;
  throw new TrainingError({
    operation: 'resume training',
    expected: `a checkpoint in ${outputDir}`,
    received: 'none',
    remedy: 'start without resumeFromCheckpoint',
  });
}

/** The checkpoints of a folder, by rising step. */
export async function listCheckpoints(outputDir: string): Promise<{ step: number; folder: string }[]> {
  if (!existsSync(outputDir)) return [];
  return (await readdir(outputDir))
    .map((entry) => ({
      step: Number(/^checkpoint-(\d+)$/.exec(entry)?.[1] ?? Number.NaN),
      folder: join(outputDir, entry),
    }))
    .filter(({ step }) => !Number.isNaN(step))
    .sort((a, b) => a.step - b.step);
}

/** Deletes the oldest checkpoints beyond the limit, never the best one. */
export async function rotateCheckpoints(
  outputDir: string,
  limit: number | undefined,
  best: string | null,
): Promise<void> {
  if (limit === undefined) return;
  const all = await listCheckpoints(outputDir);
  const deletable = all.filter(({ folder }) => folder !== best);
  const keptBest = best !== null && all.some(({ folder }) => folder === best);
  // With room for one only, the newest stays beside the best, as in Python.
  const room = Math.max(1, keptBest ? limit - 1 : limit);
  for (const { folder } of deletable.slice(0, Math.max(0, deletable.length - room))) await remove(folder);
}

/** The best checkpoint's folder; where the output folder was moved, its checkpoints moved with it. */
export function whereBestIs(best: string | null, outputDir: string): string | null {
  if (best === null || existsSync(best)) return best;
  const moved = resolve(outputDir, basename(best));
  return existsSync(moved) ? moved : best;
}

/** Removes what earlier, killed runs left behind half-written. */
export async function removeLeftovers(outputDir: string): Promise<void> {
  if (!existsSync(outputDir)) return;
  for (const entry of await readdir(outputDir)) {
    if (/^\.checkpoint-\d+\.\d+(\.old)?\.tmp$/.test(entry))
      await rm(join(outputDir, entry), { recursive: true, force: true });
  }
}

/** Takes a checkpoint's name away first, so that none is ever seen half-deleted; not to where its successor waits. */
async function remove(folder: string): Promise<void> {
  const hidden = join(folder, '..', `.${folder.split(/[\\/]/).at(-1)}.${process.pid}.old.tmp`);
  await rm(hidden, { recursive: true, force: true });
  await rename(folder, hidden);
  await rm(hidden, { recursive: true, force: true });
}
