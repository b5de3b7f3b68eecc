import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DownloadedModel, FileCheck } from '@weft/checkpoint';
import type { Command } from 'commander';
import { colors } from '../colors.js';
import { exitCode } from '../failure.js';
import { withInterrupt } from '../interrupt.js';
import { jsonOption, revisionOption, tokenOption } from '../options.js';
import { ByteBar } from '../progress-bar.js';
import { bytes, duration, heading, note, printJson, printLine, printTable } from '../terminal.js';

interface DownloadFlags {
  outputDir?: string;
  revision?: string;
  token?: string;
  all?: boolean;
  verify?: string;
  lock?: string;
  json?: boolean;
}

export function addDownload(program: Command): void {
  program
    .command('download')
    .description('a whole model from the hub: to the cache, or as a copy to carry offline')
    .argument('[model]', 'id on the hub')
    .option('-o, --output-dir <folder>', 'a copy there, with a lock file; default: the cache')
    .addOption(revisionOption())
    .addOption(tokenOption())
    .option('--all', 'every file but pickles, not only what a model is read from')
    .option('--verify <folder>', 'compare a copy with its lock file; needs no network')
    .option('--lock <file>', 'with --verify: a lock file kept elsewhere')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
Examples:
  weft download openai-community/gpt2
  weft download openai-community/gpt2 -o gpt2 --revision 607a30d783dfa663caf39e06633721c8d4cfcd7e
  weft download --verify gpt2          # on the machine it was carried to
  weft generate -m ./gpt2 "The whale"`,
    )
    .action((model: string | undefined, flags: DownloadFlags, command: Command) => {
      if (!isUsable(model, flags)) {
        command.error('error: give a model to fetch, or --verify with a folder and, if wanted, --lock');
      }
      const goOn = 'what has come is kept; to go on, run the same command';
      return flags.verify === undefined
        ? withInterrupt((signal) => download(model!, flags, signal), goOn)
        : withInterrupt((signal) => verify(flags.verify!, flags, signal));
    });
}

function isUsable(model: string | undefined, flags: DownloadFlags): boolean {
  const { verify: folder, lock, outputDir, revision, all } = flags;
  if (folder === undefined) return model !== undefined && lock === undefined;
  return model === undefined && outputDir === undefined && revision === undefined && !all;
}

async function download(model: string, flags: DownloadFlags, signal: AbortSignal): Promise<void> {
  const { downloadModel, lockFileName } = await import('@weft/checkpoint');
  const { outputDir, revision, token, all } = flags;
  const started = performance.now();
  const bar = new ByteBar();
  const result = await downloadModel(model, {
    ...(outputDir === undefined ? {} : { outputDir }),
    ...(revision === undefined ? {} : { revision }),
    ...(token ? { token } : {}),
    ...(all ? { all } : {}),
    signal,
    onProgress: ({ file, loaded, total, fetched }) =>
      bar.update({ label: file, loaded, total, moved: fetched }),
  }).finally(() => bar.stop());
  const seconds = (performance.now() - started) / 1000;
  const lockHash = result.lock && (await sha256Of(join(result.folder, lockFileName)));
  if (flags.json) {
    printJson({ ...result, seconds, ...(lockHash ? { lockSha256: lockHash } : {}) });
    return;
  }
  printReport(result, seconds);
  if (lockHash === undefined) return printLine(`now: weft inspect ${model}`);
  printLine(`${lockFileName} has this sha256, to be kept elsewhere:\n${lockHash}`);
  printLine(`now: weft download --verify ${outputDir}`);
}

function printReport(
  { id, revision, commit, files, left, folder, fetched }: DownloadedModel,
  seconds: number,
): void {
  heading(`${id} at ${revision}`);
  printLine(colors.dim(`commit ${commit}`));
  printTable(
    ['file', 'size'],
    files.map(({ path, size }) => [path, bytes(size)]),
  );
  const total = files.reduce((sum, { size }) => sum + size, 0);
  printLine(`${files.length} files, ${bytes(total)}, of them ${bytes(fetched)} now, in ${duration(seconds)}`);
  if (left.length > 0) note(`left out: ${left.join(', ')}`);
  printLine(`in ${folder}`);
}

async function sha256Of(path: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(path))
    .digest('hex');
}

async function verify(folder: string, flags: DownloadFlags, signal: AbortSignal): Promise<void> {
  const { verifyModel } = await import('@weft/checkpoint');
  const bar = new ByteBar();
  const { lock, isIntact, files } = await verifyModel(folder, {
    ...(flags.lock === undefined ? {} : { lockFile: flags.lock }),
    signal,
    onProgress: ({ file, loaded, total }) => bar.update({ label: file, loaded, total }),
  }).finally(() => bar.stop());
  if (!isIntact) process.exitCode = exitCode.failed;
  if (flags.json) return printJson({ folder, isIntact, id: lock.id, commit: lock.commit, files });
  const sizes = Object.values(lock.files).reduce((sum, { size }) => sum + size, 0);
  if (isIntact) {
    printLine(
      `${colors.green('intact')}: ${files.length} files, ${bytes(sizes)}, ${lock.id} at ${lock.commit.slice(0, 12)}`,
    );
    return;
  }
  const wrong = files.filter(({ state }) => state !== 'ok');
  printLine(
    `${colors.red('not intact')}: ${wrong.length} of ${files.length} files of ${lock.id} at ${lock.commit.slice(0, 12)}`,
  );
  for (const file of wrong) printDifference(file);
}

function printDifference({ path, state, reason }: FileCheck): void {
  printLine(
    `  ${colors.yellow(state.padEnd(8))} ${path}${reason === undefined ? '' : colors.dim(`  ${reason}`)}`,
  );
}
