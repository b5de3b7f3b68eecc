/** Takes what the recipes have trained into packages/mini-models: half precision, metrics, a card. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { chmod, copyFile, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { convertCheckpoint, openWeights, writeFileAtomic, writeJsonAtomic } from '@weft/checkpoint';
import { DataError, InputError } from '@weft/errors';
import { runFolder } from './files.js';
import { renderCard } from './release-card.js';
import { metricsOf } from './release-metrics.js';
import { type ReleasedModel, releasedModels } from './release-models.js';

const WEIGHTS = 'model.safetensors';
const required = ['config.json', 'tokenizer.json', 'tokenizer_config.json', WEIGHTS];
/** What a run folder holds besides, logs and data among it, stays there. */
const optional = ['generation_config.json'];

export interface ReleaseOptions {
  /** Folder of the released models; default: that of the package. */
  to?: string;
  say?: (line: string) => void;
}

/**
 * Releases models by name; without names all whose run has ended. A folder in the package is replaced as a whole.
 *
 * @throws InputError for unknown names; DataError for a run that has not ended and for a model that is not as its
 * entry in the table says
 */
export async function release(names: readonly string[], options: ReleaseOptions = {}): Promise<string[]> {
  const {
    to = fileURLToPath(new URL('../../../packages/mini-models/models', import.meta.url)),
    say = () => {},
  } = options;
  const unknown = names.find((name) => !Object.hasOwn(releasedModels, name));
  if (unknown !== undefined) throw notOurs(unknown);
  const released: string[] = [];
  for (const name of names.length > 0 ? names : Object.keys(releasedModels)) {
    const words = releasedModels[name]!;
    const source = modelOf(words);
    if (typeof source !== 'string' && names.length === 0)
      say(`${name}: no finished run yet (${source.missing})`);
    else if (typeof source !== 'string') throw notFinished(name, source.missing);
    else {
      const bytes = await releaseOne(name, words, source, join(to, name));
      say(`${name}: ${(bytes / 1e6).toFixed(1)} MB from ${source}`);
      released.push(name);
    }
  }
  return released;
}

/** The folder of a run's model, or what is not there yet. */
function modelOf({ run }: ReleasedModel): string | { missing: string } {
  const folder = runFolder(run);
  if (!existsSync(join(folder, 'report.json'))) return { missing: join(folder, 'report.json') };
  const holders = [folder, join(folder, 'model')];
  return (
    holders.find((holder) => required.every((file) => existsSync(join(holder, file)))) ?? {
      missing: `${required.join(', ')} in ${folder} or its folder model`,
    }
  );
}

async function releaseOne(
  name: string,
  words: ReleasedModel,
  source: string,
  folder: string,
): Promise<number> {
  checkConfig(name, words, join(source, 'config.json'));
  const metrics = metricsOf(name, readJson(join(runFolder(words.run), 'report.json')), words);
  await mkdir(dirname(folder), { recursive: true });
  const staged = await mkdtemp(join(tmpdir(), 'weft-release-'));
  // Beside its place, so that the last step is a rename.
  const made = await mkdtemp(join(dirname(folder), '.release-'));
  try {
    for (const file of [...required, ...optional]) {
      if (existsSync(join(source, file))) await copyFile(join(source, file), join(staged, file));
    }
    await convertCheckpoint(staged, { outputDir: made, dtype: 'float16' });
    const bytes = statSync(join(made, WEIGHTS)).size;
    metrics.parameters ??= await millionsIn(made);
    await writeJsonAtomic(join(made, 'metrics.json'), metrics);
    await writeFileAtomic(join(made, 'README.md'), renderCard({ name, words, metrics, bytes }));
    // A temporary folder is its maker's alone.
    await chmod(made, 0o755);
    await rm(folder, { recursive: true, force: true });
    await rename(made, folder);
    return bytes;
  } finally {
    await rm(staged, { recursive: true, force: true });
    await rm(made, { recursive: true, force: true });
  }
}

/** Numbers in a checkpoint, in millions to two decimals. */
async function millionsIn(folder: string): Promise<number> {
  using weights = await openWeights(folder);
  const sizes = weights.names().map((name) => weights.info(name).shape.reduce((a, b) => a * b, 1));
  return Math.round(sizes.reduce((a, b) => a + b, 0) / 1e4) / 100;
}

function checkConfig(name: string, { classes, pairs }: ReleasedModel, file: string): void {
  const config = readJson<{ id2label?: Record<string, string>; task_specific_params?: object }>(file);
  const received = classes
    ? Object.values(config.id2label ?? {})
    : Object.keys(config.task_specific_params ?? {});
  const expected = classes ?? pairs ?? [];
  const isWhole = classes
    ? expected.join() === received.join()
    : expected.every((pair) => received.includes(pair));
  if (isWhole) return;
  throw new DataError({
    operation: `release ${name}`,
    expected: `a config.json that names ${expected.join(', ')}`,
    received: received.join(', ') || 'none',
    remedy: 'let the recipe write them into the configuration',
    file,
  });
}

const readJson = <T>(file: string): T => JSON.parse(readFileSync(file, 'utf8')) as T;

const notOurs = (name: string): InputError =>
  new InputError({
    operation: 'release',
    expected: `names among ${Object.keys(releasedModels).join(', ')}`,
    received: name,
    remedy: 'choose among them, or none for all that are finished',
  });

const notFinished = (name: string, missing: string): DataError =>
  new DataError({
    operation: `release ${name}`,
    expected: 'a run that has ended',
    received: `nothing at ${missing}`,
    remedy: `train it first: node tooling/recipes/dist/main.js ${releasedModels[name]!.run}`,
  });
