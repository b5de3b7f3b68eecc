import { setBackend, setThreads } from '@weft/backend';
import { T5ForConditionalGeneration } from '@weft/t5';
import { type Run, serve } from '../serve.js';
import { trainOneStep } from '../train-one-step.js';
import type { Workload } from '../workloads.js';

const models = process.env.WEFT_BENCH_MODELS ?? 'models';
await setBackend('native');
setThreads(Number(process.env.WEFT_BENCH_THREADS ?? 2));

/** A token of T5's vocabulary that is neither padding nor the end; the peers use the same. */
const token = (i: number): number => 2 + ((i * 7919) % 32000);

await serve(prepare);

async function prepare(workload: Workload): Promise<Run> {
  if (workload.kind === 't5-translate') return translation(workload);
  if (workload.kind === 't5-step') return step(workload.batch, workload.length);
  throw new Error(`another worker's kind: ${workload.kind}`);
}

/** Sentences of 20 to 40 tokens; as many tokens are written for each. */
async function translation({ sentences, tokens, beams }: Workload & { kind: 't5-translate' }): Promise<Run> {
  const model = await T5ForConditionalGeneration.fromPretrained(`${models}/t5-small`);
  const rows = Array.from({ length: sentences }, (_, b) =>
    Array.from({ length: 20 + ((b * 7) % 21) }, (_, t) => token(b * 40 + t)),
  );
  return async () => {
    const written = await model.generate(rows, { maxNewTokens: tokens, numBeams: beams });
    if (written.some(({ length }) => length !== tokens + 1)) throw new Error('a sentence ended early');
    return undefined;
  };
}

async function step(batch: number, length: number): Promise<Run> {
  const config = { dropout_rate: 0 };
  const model = await T5ForConditionalGeneration.fromPretrained(`${models}/t5-small`, { config });
  const rows = (seed: number): number[][] =>
    Array.from({ length: batch }, (_, b) => Array.from({ length }, (_, t) => token(seed + b * length + t)));
  return trainOneStep(model, { inputIds: rows(0), labels: rows(batch * length), outputLogits: false });
}
