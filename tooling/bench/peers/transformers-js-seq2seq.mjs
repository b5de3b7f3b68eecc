import { AutoModelForSeq2SeqLM, env, Tensor } from '@huggingface/transformers';
import { models, serve, threads } from './serve.mjs';

env.allowRemoteModels = false;
env.localModelPath = models;

await serve(async ({ sentences, tokens, beams }) => {
  // It takes num_beams and decodes greedily all the same.
  if (beams > 1) throw new Error('no beam search');
  const model = await AutoModelForSeq2SeqLM.from_pretrained('t5-small-onnx', {
    dtype: 'fp32',
    session_options: { intraOpNumThreads: threads, interOpNumThreads: 1 },
  });
  const lengths = Array.from({ length: sentences }, (_, b) => 20 + ((b * 7) % 21));
  const longest = Math.max(...lengths);
  const rows = (value) =>
    new Tensor(
      'int64',
      BigInt64Array.from(
        lengths.flatMap((length, b) =>
          Array.from({ length: longest }, (_, t) => (t < length ? value(b, t) : 0)),
        ),
        BigInt,
      ),
      [sentences, longest],
    );
  const inputs = {
    input_ids: rows((b, t) => 2 + (((b * 40 + t) * 7919) % 32000)),
    attention_mask: rows(() => 1),
  };
  return async () => {
    const out = await model.generate({
      ...inputs,
      max_new_tokens: tokens,
      min_new_tokens: tokens,
      do_sample: false,
    });
    if (out.dims[1] !== tokens + 1) throw new Error(`${out.dims} tokens`);
  };
});
