import { setBackend } from '@weft/backend';
import { GPT2ForSequenceClassification, gpt2ConfigSchema } from '@weft/gpt2';
import { T5ForConditionalGeneration, t5ConfigSchema } from '@weft/t5';
import { trainByteLevelBpe, trainUnigram } from '@weft/tokenizer';
import { beforeAll, expect, it } from 'vitest';
import { plainGeneration } from '../src/pool/plain.js';
import type { FromWorker, GenerateParams, GenerateResult, Work, WorkKind } from '../src/pool/protocol.js';
import { Job } from '../src/worker/job.js';
import { loadPipeline } from '../src/worker/load-pipeline.js';
import { PipelineRunner } from '../src/worker/pipeline-runner.js';
import { Scheduler } from '../src/worker/scheduler.js';
import { loadServedModel, type ServedModel } from '../src/worker/served-model.js';
import { temporaryFolder } from './support.js';

const texts = ['the weaver sets the warp and the weft', 'a loom by the window'];

beforeAll(async () => {
  await setBackend('auto');
});

/** Asks a model as its thread does, without the thread. */
function asker(served: ServedModel) {
  const answers = new Map<number, (message: FromWorker & { type: 'end' }) => void>();
  const send = (message: FromWorker): void => {
    if (message.type === 'end') answers.get(message.id)?.(message);
  };
  const runner = new PipelineRunner(served.info.tasks, (task) => loadPipeline(task, served), 8, send);
  const limits = { maxNewTokens: 64, maxAttentionTokens: 64, maxOcclusionTokens: 64 };
  const scheduler = new Scheduler(served, runner, { batching: { maxBatch: 8, windowMs: 1 }, limits }, send);
  void scheduler.run();
  let next = 0;
  return <K extends WorkKind>(kind: K, params: Work[K]['params']): Promise<Work[K]['result']> =>
    new Promise((resolve, reject) => {
      const id = next++;
      answers.set(id, ({ result, error }) => (error ? reject(error) : resolve(result as Work[K]['result'])));
      scheduler.add(new Job(id, kind, params, send) as unknown as Job);
    });
}

const greedy = (prompts: string[]): GenerateParams => ({
  ...plainGeneration,
  prompts,
  maxNewTokens: 6,
  temperature: 0,
  stream: false,
});

it('serves T5: sources of unlike length together as each alone', async () => {
  const folder = temporaryFolder();
  const tokenizer = trainUnigram(texts, { vocabSize: 60 });
  await tokenizer.savePretrained(folder);
  const config = t5ConfigSchema.parse({
    vocab_size: tokenizer.vocabSize,
    d_model: 16,
    d_kv: 4,
    d_ff: 32,
    num_layers: 2,
    num_heads: 4,
    pad_token_id: tokenizer.padTokenId ?? 0,
    decoder_start_token_id: tokenizer.padTokenId ?? 0,
    eos_token_id: tokenizer.eosTokenId ?? 1,
  });
  using model = new T5ForConditionalGeneration(config, { seed: 5 });
  await model.savePretrained(folder);
  const served = await loadServedModel(folder);
  expect(served.info).toMatchObject({ completions: true, tasks: expect.arrayContaining(['translation']) });
  const ask = asker(served);
  const together: GenerateResult[] = await Promise.all([
    ask('generate', greedy([texts[0]!])),
    ask('generate', greedy([texts[1]!])),
  ]);
  for (const [i, { rows }] of together.entries()) {
    const [ids] = await model.generate([tokenizer.encode(texts[i]!).inputIds], {
      maxNewTokens: 6,
      doSample: false,
    });
    expect(rows[0]!.text).toBe(tokenizer.decode(ids!, { skipSpecialTokens: true }));
  }
  const translated = await ask('pipeline', {
    task: 'text2text-generation',
    inputs: texts[0],
    parameters: { maxNewTokens: 6, numBeams: 1 },
  });
  expect(translated).toEqual([{ generatedText: together[0]!.rows[0]!.text }]);
});

it('serves what only the pipelines know: a GPT-2 that classifies', async () => {
  const folder = temporaryFolder();
  const tokenizer = trainByteLevelBpe(texts, { vocabSize: 270 });
  tokenizer.padToken = '<|endoftext|>';
  await tokenizer.savePretrained(folder);
  const config = gpt2ConfigSchema.parse({
    vocab_size: tokenizer.vocabSize,
    n_positions: 64,
    n_embd: 16,
    n_layer: 1,
    n_head: 2,
    pad_token_id: tokenizer.padTokenId,
    id2label: { 0: 'no', 1: 'maybe', 2: 'yes' },
  });
  {
    using model = new GPT2ForSequenceClassification(config, { seed: 5 });
    await model.savePretrained(folder);
  }
  const served = await loadServedModel(folder);
  expect(served.info).toMatchObject({ tasks: ['text-classification'], labels: ['no', 'maybe', 'yes'] });
  const ask = asker(served);
  const [best] = (await ask('pipeline', {
    task: 'text-classification',
    inputs: texts[0],
    parameters: {},
  })) as { label: string; score: number }[];
  const { labels, target } = await ask('sentiment', { text: texts[0]! });
  expect(target).toBe(best!.label);
  expect(labels[0]!.score).toBeCloseTo(best!.score, 5);
});

it('refuses what it cannot serve, with a reason', async () => {
  const folder = temporaryFolder();
  await trainByteLevelBpe(texts, { vocabSize: 260 }).savePretrained(folder);
  const { writeFile } = await import('node:fs/promises');
  await writeFile(`${folder}/config.json`, '{"architectures":["LlamaModel"],"model_type":"llama"}');
  await expect(loadServedModel(folder)).rejects.toThrow(/received LlamaModel/);
});
