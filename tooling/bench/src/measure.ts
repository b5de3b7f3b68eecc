import { Contender, type ContenderSpec } from './contender.js';
import type { Entry } from './workloads.js';

/** weft against one peer on one workload; times in seconds, medians over the rounds. */
export interface Result {
  workload: string;
  peer: string;
  ours: number;
  theirs: number;
  unit: 's';
  ratio: number;
  /** The ratio to the best peer is to be at most this. */
  limit: number;
  /** Peak resident bytes of both processes over the workload. */
  oursPeakBytes: number;
  theirsPeakBytes: number;
}

export interface MeasureOptions {
  rounds: number;
  models: string;
  threads: number;
}

/** Runs one workload on every contender in turn, round after round, and gives one result a peer. */
export async function measure(
  { workload, limit, peerLimits = {} }: Entry,
  specs: readonly ContenderSpec[],
  { rounds, models, threads }: MeasureOptions,
): Promise<Result[]> {
  const int8 = 'int8' in workload && workload.int8;
  const able = specs.filter(
    ({ kinds, float32Only }) => kinds.includes(workload.kind) && !(int8 && float32Only),
  );
  const running: { contender: Contender; seconds: number[]; peakBytes: number }[] = [];
  try {
    for (const spec of able) {
      const contender = new Contender(spec, environment(models, threads));
      const { skip } = await contender.prepare(workload);
      if (skip === undefined) running.push({ contender, seconds: [], peakBytes: 0 });
      else {
        process.stderr.write(`${workload.id}: ${spec.name} does not run it: ${skip}\n`);
        contender.stop();
      }
    }
    for (let round = 0; round < rounds; round++) {
      for (const each of running) {
        const { seconds, peakBytes, skip } = await each.contender.run();
        if (seconds === undefined)
          throw new Error(`${each.contender.name} failed in ${workload.id}: ${skip}`);
        each.seconds.push(seconds);
        each.peakBytes = Math.max(each.peakBytes, peakBytes ?? 0);
      }
    }
  } finally {
    for (const { contender } of running) contender.stop();
  }
  const ours = running.find(({ contender }) => contender.name === 'weft');
  if (!ours) return [];
  return running
    .filter((each) => each !== ours)
    .map(({ contender, seconds, peakBytes }) => ({
      workload: workload.id,
      peer: contender.name,
      ours: median(ours.seconds),
      theirs: median(seconds),
      unit: 's',
      ratio: median(ours.seconds) / median(seconds),
      limit: peerLimits[contender.name] ?? (contender.name === 'tfjs wasm' ? 0.2 : limit),
      oursPeakBytes: ours.peakBytes,
      theirsPeakBytes: peakBytes,
    }));
}

/** The middle value; the mean of the two middle ones of an even count. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

function environment(models: string, threads: number): NodeJS.ProcessEnv {
  const count = String(threads);
  return {
    ...process.env,
    WEFT_BENCH_MODELS: models,
    WEFT_BENCH_THREADS: count,
    WEFT_NUM_THREADS: count,
    OMP_NUM_THREADS: count,
    MKL_NUM_THREADS: count,
    TF_NUM_INTRAOP_THREADS: count,
    TOKENIZERS_PARALLELISM: 'false',
    HF_HUB_OFFLINE: '1',
    USE_TF: '0',
  };
}
