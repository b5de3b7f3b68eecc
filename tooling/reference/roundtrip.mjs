/**
 * Trains weft's models for ten steps and saves them, each with inputs and weft's outputs beside, for
 * roundtrip.py to load. Run by roundtrip.py: node roundtrip.mjs <folder>
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs';
import { adamW, clipScale, globalNorm } from '@weft/attention';
import { setBackend } from '@weft/backend';
import * as bert from '@weft/bert';
import * as gpt2 from '@weft/gpt2';
import { MarianMTModel } from '@weft/marian';
import * as t5 from '@weft/t5';

const [folder] = process.argv.slice(2);
const packages = fileURLToPath(new URL('../../packages/', import.meta.url));

/** Rows of ids from `low` up, different in each place. */
const rows = (batch, length, low, size, seed) =>
  Array.from({ length: batch }, (_, b) =>
    Array.from({ length }, (_, t) => low + ((b * 31 + t * 17 + seed * 7 + b * t) % (size - low))),
  );

function train(model, batchOf) {
  // What PyTorch keeps as a buffer is not trained.
  const named = model.namedParameters().filter(([key]) => key !== 'final_logits_bias');
  const parameters = named.map(([, parameter]) => parameter);
  const moments = () => parameters.map(({ shape }) => tf.variable(tf.zeros(shape)));
  const [means, variances] = [moments(), moments()];
  const each = (number) => parameters.map(() => number);
  for (let step = 1; step <= 10; step++) {
    tf.tidy(() => {
      const { grads } = tf.variableGrads(() => model.forward(batchOf(step)).loss, parameters);
      const gradients = parameters.map(({ name }) => grads[name]);
      adamW(
        { parameters, gradients, means, variances },
        {
          learningRate: each(1e-3),
          weightDecay: each(0.01),
          beta1: 0.9,
          beta2: 0.999,
          epsilon: 1e-8,
          step,
          gradientScale: clipScale(globalNorm(gradients).dataSync()[0], 1),
        },
      );
    });
  }
  tf.dispose([means, variances]);
}

async function save(name, model, inputs, { only, ...options } = {}) {
  const target = join(folder, name);
  await model.savePretrained(target, options);
  const outputs = {};
  for (const [key, value] of Object.entries(model.forward(inputs))) {
    if (!only || only.includes(key)) outputs[key] = value.arraySync();
  }
  writeFileSync(join(target, 'expected.json'), JSON.stringify({ inputs, outputs }));
  model.dispose();
}

const quiet = { warn: () => {} };

async function roundtripGpt2() {
  const source = join(packages, 'gpt2/fixtures/tiny');
  const lm = await gpt2.GPT2LMHeadModel.fromPretrained(source);
  train(lm, (step) => {
    const inputIds = rows(4, 12, 0, 95, step);
    return { inputIds, labels: inputIds, outputLogits: false };
  });
  await save('gpt2', lm, { inputIds: rows(3, 16, 0, 95, 50) });
  const classifier = await gpt2.GPT2ForSequenceClassification.fromPretrained(source, {
    ...quiet,
    numLabels: 3,
    config: { pad_token_id: 95 },
  });
  train(classifier, (step) => ({ inputIds: rows(3, 12, 0, 95, step), labels: [0, 1, 2] }));
  await save('gpt2-classifier', classifier, { inputIds: rows(3, 16, 0, 95, 50) });
}

const tokens = rows(3, 9, 0, 2, 1);
/** Labels for ten steps of training, and options for loading, a head each. */
const heads = {
  ForMaskedLM: { labels: { labels: rows(3, 9, 4, 48, 90), outputLogits: false } },
  ForSequenceClassification: { labels: { labels: [0, 2, 1] }, options: { numLabels: 3 } },
  ForTokenClassification: { labels: { labels: tokens }, options: { id2label: { 0: 'O', 1: 'B' } } },
  ForQuestionAnswering: { labels: { startPositions: [1, 2, 3], endPositions: [2, 4, 8] } },
  ForNextSentencePrediction: { labels: { labels: [0, 1, 1] } },
  ForPreTraining: { labels: { labels: rows(3, 9, 4, 48, 90), nextSentenceLabel: [0, 1, 1] } },
  ForMultipleChoice: { labels: { labels: [0, 1, 1] }, choices: true },
};

async function roundtripBert(family, prefix) {
  for (const [head, { labels, options, choices }] of Object.entries(heads)) {
    const type = new Map(Object.entries(bert)).get(prefix + head);
    if (!type) continue;
    const model = await type.fromPretrained(join(packages, 'bert/fixtures', family, 'base'), {
      ...quiet,
      ...options,
    });
    const inputs = (seed) => {
      const inputIds = rows(3, 9, 4, 48, seed);
      const attentionMask = inputIds.map((row, b) => row.map((_, t) => Number(t < 9 - b)));
      const twice = (given) => (choices ? given.map((row, b) => [row, given[(b + 1) % 3]]) : given);
      return { inputIds: twice(inputIds), attentionMask: twice(attentionMask) };
    };
    train(model, (step) => ({ ...inputs(step), ...labels }));
    await save(`${family}-${head}`, model, inputs(50));
  }
}

/** Encoder-decoders: the outputs that Python has too. */
async function roundtripT5(family) {
  const source = join(packages, 't5/fixtures', family);
  const text = (length, low, seed) => rows(3, length, low, 80, seed);
  const batch = (seed) => {
    const inputIds = text(9, 2, seed);
    const attentionMask = inputIds.map((row, b) => row.map((_, t) => Number(t < 9 - b)));
    return { inputIds, attentionMask };
  };
  const model = await t5.T5ForConditionalGeneration.fromPretrained(source);
  train(model, (step) => ({ ...batch(step), labels: text(6, 2, step + 20), outputLogits: false }));
  const trained = join(folder, `t5-${family}`);
  const inputs = { ...batch(50), decoderInputIds: text(6, 2, 70) };
  const outputs = { only: ['logits', 'encoderLastHiddenState'] };
  await save(`t5-${family}`, model, inputs, outputs);
  await save(`t5-${family}-base`, await t5.T5Model.fromPretrained(trained, quiet), inputs);
  await save(`t5-${family}-encoder`, await t5.T5EncoderModel.fromPretrained(trained, quiet), batch(60));
  const sharded = await t5.T5ForConditionalGeneration.fromPretrained(trained);
  await save(`t5-${family}-sharded`, sharded, inputs, { ...outputs, maxShardSize: 20_000 });
}

async function roundtripMarian() {
  const model = await MarianMTModel.fromPretrained(join(packages, 'marian/fixtures/tiny'));
  const text = (length, seed) => rows(3, length, 1, 79, seed);
  train(model, (step) => ({ inputIds: text(9, step), labels: text(6, step + 20), outputLogits: false }));
  const inputIds = text(9, 50);
  const attentionMask = inputIds.map((row, b) => row.map((_, t) => Number(t < 9 - b)));
  const inputs = { inputIds, attentionMask, decoderInputIds: text(6, 70) };
  await save('marian', model, inputs, { only: ['logits', 'encoderLastHiddenState'] });
}

await setBackend(process.env.WEFT_BACKEND ?? 'auto');
console.log(`node ${process.version}, backend ${tf.getBackend()}`);
await roundtripGpt2();
await roundtripBert('bert', 'Bert');
await roundtripBert('distilbert', 'DistilBert');
await roundtripBert('roberta', 'Roberta');
await roundtripT5('v1_0');
await roundtripT5('v1_1');
await roundtripMarian();
