import { Command } from 'commander';
import { availableContenders } from './contenders.js';
import { machineLimits } from './limits.js';
import { measure, type Result } from './measure.js';
import { ownEntries } from './own.js';
import { printTable, readResults, writeResults } from './report.js';
import { entries } from './workloads.js';

interface Flags {
  models: string;
  python?: string;
  list?: true;
  rounds: string;
  threads: string;
  out: string;
}

const program = new Command('bench')
  .description("weft's time over its peers', measured in one run, interleaved")
  .option('--models <folder>', 'what python/peers.py wrote', process.env.WEFT_BENCH_MODELS ?? 'models')
  .option(
    '--python <interpreter>',
    'with torch, transformers, ctranslate2, openvino',
    process.env.WEFT_BENCH_PYTHON,
  )
  .argument('[names...]', 'only workloads whose name contains one of these; the others keep their results')
  .option('--list', 'the names of all workloads')
  .option('--rounds <n>', 'measured rounds, at least five for the record', '5')
  .option('--threads <n>', 'threads of each contender', '2')
  .option(
    '--out <file>',
    'where the results go',
    new URL('../results/latest.json', import.meta.url).pathname,
  );
program.parse();
const flags = program.opts<Flags>();
const threads = Number(flags.threads);
const chosen = (name: string): boolean =>
  program.args.length === 0 || program.args.some((part) => name.includes(part));
const names = [...entries.map(({ workload }) => workload.id), ...ownEntries.map(({ name }) => name)];
if (flags.list) process.stdout.write(`${names.join('\n')}\n`);
else await bench();

async function bench(): Promise<void> {
  const { contenders, missing } = availableContenders({
    models: flags.models,
    threads,
    ...(flags.python === undefined ? {} : { python: flags.python }),
  });
  for (const { name, reason } of missing) process.stderr.write(`${name} does not take part: ${reason}\n`);
  const limits = await machineLimits(threads);
  const results = new Map<string, Result[]>();
  const before = await readResults(flags.out);
  for (const name of names) {
    if (!chosen(name)) {
      const kept = before.filter(({ workload }) => workload === name);
      results.set(name, kept);
    }
  }
  // After each workload, so that a run that is cut short keeps what it has measured.
  const record = async (name: string, measured: Result[]): Promise<void> => {
    results.set(name, measured);
    printTable(measured);
    await writeResults(
      flags.out,
      names.flatMap((each) => results.get(each) ?? []),
      limits,
    );
  };
  const options = { rounds: Number(flags.rounds), models: flags.models, threads, limits };
  for (const entry of entries) {
    if (!chosen(entry.workload.id)) continue;
    try {
      await record(entry.workload.id, await measure(entry, contenders, options));
    } catch (error) {
      // The others are worth measuring all the same.
      process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
      process.exitCode = 1;
    }
  }
  for (const entry of ownEntries) {
    if (chosen(entry.name)) await record(entry.name, [await entry.measure(options)]);
  }
}
