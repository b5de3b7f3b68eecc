import { Command } from 'commander';
import { availableContenders } from './contenders.js';
import { machineLimits } from './limits.js';
import { measure, type Result } from './measure.js';
import { printTable, writeResults } from './report.js';
import { entries } from './workloads.js';

interface Flags {
  models: string;
  python?: string;
  only?: string;
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
  .option('--only <text>', 'workloads whose name contains this')
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

const { contenders, missing } = availableContenders({
  models: flags.models,
  threads,
  ...(flags.python === undefined ? {} : { python: flags.python }),
});
for (const { name, reason } of missing) process.stderr.write(`${name} does not take part: ${reason}\n`);

const limits = await machineLimits(threads);
const results: Result[] = [];
for (const entry of entries) {
  if (flags.only !== undefined && !entry.workload.id.includes(flags.only)) continue;
  results.push(
    ...(await measure(entry, contenders, { rounds: Number(flags.rounds), models: flags.models, threads })),
  );
  printTable(results.filter(({ workload }) => workload === entry.workload.id));
  // After each workload, so that a run that is cut short keeps what it has measured.
  await writeResults(flags.out, results, limits);
}
