import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import colors from 'picocolors';
import type { MachineLimits } from './limits.js';
import type { Result } from './measure.js';

/** One block a workload: each peer's time, ours, the ratio, and whether the best peer is beaten as asked. */
export function printTable(results: readonly Result[]): void {
  const [first] = results;
  if (!first) return;
  const best = bestPeer(results);
  process.stdout.write(`${colors.bold(first.workload)}  weft ${time(first.ours)}\n`);
  for (const result of [...results].sort((a, b) => a.theirs - b.theirs)) {
    const { peer, theirs, ratio, limit } = result;
    const counts = result === best || peer === 'tfjs wasm';
    const verdict = !counts ? '' : ratio <= limit ? colors.green('  reached') : colors.red('  not reached');
    process.stdout.write(
      `  ${peer.padEnd(20)} ${time(theirs).padStart(10)}   ratio ${ratio.toFixed(3)}` +
        `${counts ? ` (at most ${limit})` : ''}${verdict}\n`,
    );
  }
}

/** The fastest of the peers that the limit is about: tfjs wasm has a limit of its own. */
function bestPeer(results: readonly Result[]): Result | undefined {
  return results.filter(({ peer }) => peer !== 'tfjs wasm').sort((a, b) => a.theirs - b.theirs)[0];
}

function time(seconds: number): string {
  return seconds < 0.1 ? `${(seconds * 1000).toFixed(2)} ms` : `${seconds.toFixed(3)} s`;
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
