import * as tf from '@tensorflow/tfjs';
import { linear } from '@weft/attention';
import { setBackend, setThreads } from '@weft/backend';
import { BertForSequenceClassification, BertModel } from '@weft/bert';
import { GPT2LMHeadModel } from '@weft/gpt2';
import { type Run, serve } from '../serve.js';
import { trainOneStep } from '../train-one-step.js';
import type { Workload } from '../workloads.js';

const models = process.env.WEFT_BENCH_MODELS ?? 'models';
await setBackend(process.env.WEFT_BENCH_BACKEND === 'wasm' ? 'wasm' : 'native');
if (tf.getBackend() === 'native') setThreads(Number(process.env.WEFT_BENCH_THREADS ?? 2));

const noDropout = { resid_pdrop: 0, embd_pdrop: 0, attn_pdrop: 0 };
const noBertDropout = { hidden_dropout_prob: 0, attention_probs_dropout_prob: 0 };

await serve((workload) => prepare(workload));

/** Token ids that every contender uses: spread over the vocabulary, the same for all. */
function tokenRows(batch: number, length: number, vocabSize: number): number[][] {
  const id = (i: number): number => (i * 7919 + 13) % (vocabSize - 1);
  return Array.from({ length: batch }, (_, b) => Array.from({ length }, (_, t) => id(b * length + t)));
}

function prepare(workload: Workload): Promise<Run> | Run {
  switch (workload.kind) {
    case 'sgemm':
      return sgemm(workload);
    case 'bert-forward':
      return bertForward(workload.batch, workload.length);
    case 'bert-step':
      return bertStep(workload.batch, workload.length);
    case 'gpt2-step':
      return gpt2Step(workload.batch, workload.length);
    case 'gpt2-prompt':
      return gpt2Prompt(workload.length);
    case 'gpt2-decode':
      return gpt2Decode(workload);
    default:
      throw new Error(`another worker's kind: ${workload.kind}`);
  }
}

function sgemm({ m, k, n, transposeB }: { m: number; k: number; n: number; transposeB: boolean }): Run {
  const a = tf.randomUniform([m, k], -0.5, 0.5);
  const b = tf.randomUniform(transposeB ? [n, k] : [k, n], -0.5, 0.5);
  return () => {
    linear(a, b, undefined, { layout: transposeB ? 'out-in' : 'in-out' }).dispose();
    return undefined;
  };
}

async function bertForward(batch: number, length: number): Promise<Run> {
  const model = await BertModel.fromPretrained(`${models}/bert`);
  const inputIds = tokenRows(batch, length, 30522);
  return () => {
    tf.dispose(model.forward({ inputIds }) as unknown as tf.TensorContainer);
    return undefined;
  };
}

async function bertStep(batch: number, length: number): Promise<Run> {
  const model = await BertForSequenceClassification.fromPretrained(`${models}/bert-classifier`, {
    config: noBertDropout,
  });
  const inputs = {
    inputIds: tokenRows(batch, length, 30522),
    labels: Array.from({ length: batch }, (_, i) => i % 2),
  };
  return trainOneStep(model, inputs);
}

async function gpt2Step(batch: number, length: number): Promise<Run> {
  const model = await GPT2LMHeadModel.fromPretrained(`${models}/gpt2`, { config: noDropout });
  const inputIds = tokenRows(batch, length, 50257);
  return trainOneStep(model, { inputIds, labels: inputIds, outputLogits: false });
}

async function gpt2Prompt(length: number): Promise<Run> {
  const model = await GPT2LMHeadModel.fromPretrained(`${models}/gpt2`);
  const inputIds = tokenRows(1, length, 50257);
  return async () => {
    await model.generate(inputIds, { maxNewTokens: 1 });
    return undefined;
  };
}

/** Decoding alone: the seconds after the first new token. */
async function gpt2Decode({ prompt, tokens, int8 }: Workload & { kind: 'gpt2-decode' }): Promise<Run> {
  const model = await GPT2LMHeadModel.fromPretrained(`${models}/gpt2`);
  if (int8) model.quantize();
  const inputIds = tokenRows(1, prompt, 50257);
  return async () => {
    let started = 0;
    for await (const _ of model.generateStream(inputIds, { maxNewTokens: tokens + 1 })) {
      if (started === 0) started = performance.now();
    }
    return (performance.now() - started) / 1000;
  };
}
