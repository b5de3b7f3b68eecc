import { Contender, type ContenderSpec } from './contender.js';
import type { MachineLimits } from './limits.js';
import { type Entry, type Workload, workOf } from './workloads.js';

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
  /** The peer was stopped after `theirs`: its time is longer, and the ratio smaller. */
  stopped?: true;
  /** What of the machine's measured peak weft reaches: of multiply-adds, or of bytes read where those decide. */
  share?: number;
  /** Peak resident bytes of both processes over the workload. */
  oursPeakBytes?: number;
  theirsPeakBytes?: number;
}

export interface MeasureOptions {
  rounds: number;
  models: string;
  threads: number;
  limits: MachineLimits;
}

interface Times {
  name: string;
  seconds: number[];
  peakBytes: number;
  stopped?: true;
}

/** Peers with a limit of their own: weft on the processor against the same in WebAssembly. */
export const wasmPeers: readonly string[] = ['tfjs wasm', 'weft on wasm'];
const wasmLimit = 0.2;
/** A slow peer is stopped once it has taken this many times as long as weft: its limit is kept then. */
const patience = 1.2 / wasmLimit;
const leastPatience = 10;

/** Runs one workload on every contender in turn, round after round, and gives one result a peer. */
export async function measure(
  entry: Entry,
  specs: readonly ContenderSpec[],
  options: MeasureOptions,
): Promise<Result[]> {
  const { workload } = entry;
  const int8 = 'int8' in workload && workload.int8;
  const able = specs.filter(
    ({ kinds, float32Only }) => kinds.includes(workload.kind) && !(int8 && float32Only),
  );
  const times = await interleaved(
    workload,
    able.filter(({ slow }) => !slow),
    options,
  );
  const ours = times.find(({ name }) => name === 'weft');
  if (!ours) return [];
  for (const spec of able.filter(({ slow }) => slow)) {
    const once = await measureSlow(workload, spec, median(ours.seconds), options);
    if (once) times.push(once);
  }
  const share = peakShare(workload, median(ours.seconds), options.limits);
  return times
    .filter((each) => each !== ours)
    .map(({ name, seconds, peakBytes, stopped }) => ({
      workload: workload.id,
      peer: name,
      ours: median(ours.seconds),
      theirs: median(seconds),
      unit: 's',
      ratio: median(ours.seconds) / median(seconds),
      limit: entry.peerLimits?.[name] ?? (wasmPeers.includes(name) ? wasmLimit : entry.limit),
      ...(stopped ? { stopped } : {}),
      ...(share === undefined ? {} : { share }),
      oursPeakBytes: ours.peakBytes,
      theirsPeakBytes: peakBytes,
    }));
}

/** All contenders get ready side by side, and then run one after the other, round after round. */
async function interleaved(
  workload: Workload,
  specs: readonly ContenderSpec[],
  { rounds, models, threads }: MeasureOptions,
): Promise<Times[]> {
  const running: (Times & { contender: Contender })[] = [];
  const started = specs.map((spec) => new Contender(spec, environment(models, threads)));
  try {
    const replies = await Promise.all(started.map((contender) => contender.prepare(workload)));
    for (const [i, contender] of started.entries()) {
      const { skip } = replies[i]!;
      if (skip === undefined) running.push({ contender, name: contender.name, seconds: [], peakBytes: 0 });
      else process.stderr.write(`${workload.id}: ${contender.name} does not run it: ${skip}\n`);
    }
    for (let round = 0; round < rounds; round++) {
      for (const each of running) {
        const { seconds, peakBytes, skip } = await each.contender.run();
        if (seconds === undefined) throw new Error(`${each.name} failed in ${workload.id}: ${skip}`);
        each.seconds.push(seconds);
        each.peakBytes = Math.max(each.peakBytes, peakBytes ?? 0);
      }
    }
  } finally {
    for (const contender of started) contender.stop();
  }
  return running;
}

/** One run without a first one to get warm; stopped where it takes so long that its limit is sure to be kept. */
async function measureSlow(
  workload: Workload,
  spec: ContenderSpec,
  ours: number,
  { models, threads }: MeasureOptions,
): Promise<Times | undefined> {
  const contender = new Contender(spec, environment(models, threads));
  try {
    const { skip } = await contender.prepare(workload, { cold: true });
    const most = Math.max(leastPatience, patience * ours);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), most * 1000);
    });
    const reply = skip === undefined ? await Promise.race([contender.run(), late]) : { skip };
    clearTimeout(timer);
    if (reply === undefined) return { name: spec.name, seconds: [most], peakBytes: 0, stopped: true };
    if (reply.seconds !== undefined) {
      return { name: spec.name, seconds: [reply.seconds], peakBytes: reply.peakBytes ?? 0 };
    }
    process.stderr.write(`${workload.id}: ${spec.name} does not run it: ${reply.skip}\n`);
    return undefined;
  } finally {
    contender.stop();
  }
}

/** What of the measured peak a time of `seconds` reaches. */
export function peakShare(workload: Workload, seconds: number, limits: MachineLimits): number | undefined {
  const { flops, bytes } = workOf(workload);
  if (flops !== undefined) return flops / seconds / (limits.gigaflops * 1e9);
  if (bytes !== undefined) return bytes / seconds / (limits.readGigabytesPerSecond * 1e9);
  return undefined;
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
