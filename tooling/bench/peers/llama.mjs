import { getLlama } from 'node-llama-cpp';
import { models, serve, threads, tokenIds } from './serve.mjs';

const llama = await getLlama({
  gpu: false,
  build: 'never',
  maxThreads: threads,
  progressLogs: false,
  logLevel: 'error',
});
const loaded = new Map();

await serve(async ({ kind, length, prompt, tokens, int8 }) => {
  const file = `${models}/gpt2-${int8 ? 'q8_0' : 'f32'}.gguf`;
  if (!loaded.has(file)) loaded.set(file, await llama.loadModel({ modelPath: file, gpuLayers: 0 }));
  const context = await loaded.get(file).createContext({ contextSize: 1024, batchSize: 1024, threads });
  const sequence = context.getSequence();
  const count = kind === 'gpt2-prompt' ? length : prompt;
  const ids = tokenIds(count, 50257);

  /** Seconds to the first new token, and of the tokens after it. */
  const generate = async (n) => {
    await sequence.clearHistory();
    const started = performance.now();
    let first = 0;
    let produced = 0;
    for await (const _ of sequence.evaluate(ids, { temperature: 0, yieldEogToken: true })) {
      produced++;
      if (produced === 1) first = (performance.now() - started) / 1000;
      if (produced === n) break;
    }
    return { first, rest: (performance.now() - started) / 1000 - first };
  };
  if (kind === 'gpt2-prompt') return async () => (await generate(1)).first;
  return async () => (await generate(tokens + 1)).rest;
});
