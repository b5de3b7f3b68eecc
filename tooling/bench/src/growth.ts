import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { setBackend, setThreads } from '@weft/backend';
import { GPT2LMHeadModel } from '@weft/gpt2';
import { median } from './measure.js';
import { firstToken } from './own.js';
import { trainOneStep } from './train-one-step.js';

/**
 * How time grows: a training step of GPT-2 124M against the length of the text, a decoded token against the context;
 * and how long a new process takes to its first token. Writes results/growth.json; peers/plot.mjs draws it.
 */
const models = process.env.WEFT_BENCH_MODELS ?? 'models';
await setBackend('native');
setThreads(Number(process.env.WEFT_BENCH_THREADS ?? 2));

const row = (length: number): number[] => Array.from({ length }, (_, i) => (i * 7919 + 13) % 50256);
const seconds = async (run: () => Promise<unknown> | unknown): Promise<number> => {
  const started = performance.now();
  await run();
  return (performance.now() - started) / 1000;
};

const growth = {
  step: await stepGrowth(),
  decode: await decodeGrowth(),
  firstTokenSeconds: await firstToken(models, 5),
};
const file = fileURLToPath(new URL('../results/growth.json', import.meta.url));
await writeFile(file, `${JSON.stringify(growth, null, 2)}\n`);
process.stdout.write(`${JSON.stringify(growth)}\n`);

/** Seconds of one step of one text of T tokens. */
async function stepGrowth(): Promise<{ length: number; seconds: number }[]> {
  const config = { resid_pdrop: 0, embd_pdrop: 0, attn_pdrop: 0 };
  using model = await GPT2LMHeadModel.fromPretrained(`${models}/gpt2`, { config });
  const points: { length: number; seconds: number }[] = [];
  for (const length of [256, 384, 512, 640, 768, 896, 1024]) {
    const inputIds = [row(length)];
    const run = trainOneStep(model, { inputIds, labels: inputIds, outputLogits: false });
    await run();
    const times: number[] = [];
    for (let i = 0; i < 3; i++) times.push(await seconds(run));
    points.push({ length, seconds: median(times) });
  }
  return points;
}

/** Seconds a token at contexts from 64 to 1000, each the median over the tokens around it. */
async function decodeGrowth(): Promise<{ context: number; seconds: number }[]> {
  using model = await GPT2LMHeadModel.fromPretrained(`${models}/gpt2`);
  const times: number[] = [];
  let last = 0;
  for await (const _ of model.generateStream([row(48)], { maxNewTokens: 960 })) {
    const now = performance.now();
    if (last > 0) times.push((now - last) / 1000);
    last = now;
  }
  return [64, 128, 256, 384, 512, 640, 768, 896, 1000].map((context) => {
    const at = context - 48;
    return { context, seconds: median(times.slice(Math.max(0, at - 12), at + 12)) };
  });
}
