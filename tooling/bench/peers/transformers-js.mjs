import { AutoModelForCausalLM, env, Tensor } from '@huggingface/transformers';
import { models, serve, threads, tokenIds } from './serve.mjs';

env.allowRemoteModels = false;
env.localModelPath = models;

const loaded = new Map();
async function load(int8) {
  if (!loaded.has(int8)) {
    const model = await AutoModelForCausalLM.from_pretrained('gpt2-onnx', {
      dtype: int8 ? 'q8' : 'fp32',
      session_options: { intraOpNumThreads: threads, interOpNumThreads: 1 },
    });
    loaded.set(int8, model);
  }
  return loaded.get(int8);
}

const integers = (values) => new Tensor('int64', BigInt64Array.from(values, BigInt), [1, values.length]);

await serve(async ({ kind, length, prompt, tokens, int8 }) => {
  const model = await load(int8);
  const count = kind === 'gpt2-prompt' ? length : prompt;
  const inputs = {
    input_ids: integers(tokenIds(count, 50257)),
    attention_mask: integers(Array(count).fill(1)),
  };
  const generate = async (n) => {
    const started = performance.now();
    await model.generate({ ...inputs, max_new_tokens: n, min_new_tokens: n, do_sample: false });
    return (performance.now() - started) / 1000;
  };
  if (kind === 'gpt2-prompt') return () => generate(1);
  // Decoding alone: all of it less the prompt and the first token.
  return async () => {
    const first = await generate(1);
    return (await generate(tokens + 1)) - first;
  };
});
