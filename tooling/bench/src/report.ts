import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import colors from 'picocolors';
import type { MachineLimits } from './limits.js';
import { type Result, wasmPeers } from './measure.js';

/** One block a workload: each peer's time, ours, the ratio, and whether the best peer is beaten as asked. */
export function printTable(results: readonly Result[]): void {
  const [first] = results;
  if (!first) return;
  const best = bestPeer(results);
  const share =
    first.share === undefined ? '' : `, ${(100 * first.share).toFixed(0)} % of the machine's peak`;
  process.stdout.write(`${colors.bold(first.workload)}  weft ${time(first.ours)}${share}\n`);
  for (const result of [...results].sort((a, b) => a.theirs - b.theirs)) {
    const { peer, theirs, ratio, limit, stopped } = result;
    const counts = result === best || wasmPeers.includes(peer);
    const verdict = !counts ? '' : ratio <= limit ? colors.green('  reached') : colors.red('  not reached');
    process.stdout.write(
      `  ${peer.padEnd(20)} ${time(theirs).padStart(10)}${stopped ? '+' : ' '}  ratio ${ratio.toFixed(3)}` +
        `${counts ? ` (at most ${limit})` : ''}${verdict}\n`,
    );
  }
}

/** The fastest of the peers that the limit is about: those in WebAssembly have a limit of their own. */
function bestPeer(results: readonly Result[]): Result | undefined {
  return results.filter(({ peer }) => !wasmPeers.includes(peer)).sort((a, b) => a.theirs - b.theirs)[0];
}

function time(seconds: number): string {
  return seconds < 0.1 ? `${(seconds * 1000).toFixed(2)} ms` : `${seconds.toFixed(3)} s`;
}

/** The results of an earlier run; none where there is no file. */
export async function readResults(file: string): Promise<Result[]> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Result[];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** Writes the array of results, and beside it the machine's measured limits. */
export async function writeResults(
  file: string,
  results: readonly Result[],
  limits: MachineLimits,
): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `${JSON.stringify(results, null, 2)}\n`);
  await writeFile(file.replace(/\.json$/, '.machine.json'), `${JSON.stringify(limits, null, 2)}\n`);
}
