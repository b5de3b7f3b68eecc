import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs';
import { adamW, clipScale, dropoutState, globalNorm } from '@weft/attention';
import { closeTo, expectClose, type FixtureTensor, readFixture } from '@weft/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GPT2ForSequenceClassification, GPT2LMHeadModel, GPT2Model } from './index.js';

const fixtures = new URL('../fixtures/', import.meta.url);
const tiny = fileURLToPath(new URL('tiny', fixtures));
const lm = readFixture(new URL('lm.safetensors', fixtures));
const rows = ({ data, shape }: FixtureTensor): number[][] =>
  Array.from({ length: shape[0]! }, (_, i) => [...data.slice(i * shape[1]!, (i + 1) * shape[1]!)]);
const [ids, mask, positions, labels] = ['ids', 'mask', 'positions', 'labels'].map((name) =>
  rows(lm.tensor(name)),
);

let model: GPT2LMHeadModel;
beforeAll(async () => {
  model = await GPT2LMHeadModel.fromPretrained(tiny);
});
afterAll(() => model.dispose());

describe('GPT2LMHeadModel against transformers', () => {
  it('gives the same logits, loss, hidden states and attentions under left padding', () => {
    const inputs = { inputIds: ids!, attentionMask: mask!, positionIds: positions!, labels: labels! };
    const out = model.forward({ ...inputs, outputHiddenStates: true, outputAttentions: true });
    expectClose(out.logits.dataSync(), lm.tensor('logits').data, closeTo.models, 'logits');
    expectClose(out.loss!.dataSync(), lm.tensor('loss').data, closeTo.models, 'loss');
    expect(out.hiddenStates).toHaveLength(3);
    for (const [i, each] of out.hiddenStates!.entries()) {
      expectClose(each.dataSync(), lm.tensor(`hidden.${i}`).data, closeTo.models, `hidden ${i}`);
    }
    for (const [i, each] of out.attentions!.entries()) {
      expectClose(each.dataSync(), lm.tensor(`attention.${i}`).data, closeTo.models, `attention ${i}`);
    }
    const fused = model.forward({ ...inputs, outputLogits: false });
    expectClose(fused.loss!.dataSync(), lm.tensor('loss').data, closeTo.models, 'fused loss');
    expectClose(
      model.forward({ inputIds: ids! }).logits.dataSync(),
      lm.tensor('plain.logits').data,
      closeTo.models,
    );
  });

  it('decodes position by position what it gives for all at once, while the cache grows', () => {
    const [batch, length, vocabulary] = [2, 140, 50];
    const config = { vocab_size: vocabulary, n_positions: length, n_embd: 24, n_head: 3, n_layer: 3 };
    using small = new GPT2Model({ ...model.config, ...config }, { seed: 5 });
    small.eval();
    const inputIds = Array.from({ length: batch }, (_, b) =>
      Array.from({ length }, (_, t) => (7 * t + 3 * b) % vocabulary),
    );
    const attentionMask = inputIds.map((row, b) => row.map((_, t) => (b === 1 && t < 3 ? 0 : 1)));
    const until = (of: number[][], end: number) => of.map((row) => row.slice(0, end));
    tf.tidy(() => {
      const whole = small.forward({ inputIds, attentionMask }).lastHiddenState;
      using cache = small.newCache();
      small.forward({ inputIds: until(inputIds, 5), attentionMask: until(attentionMask, 5), cache });
      for (let t = 5; t < length; t++) {
        const next = {
          inputIds: inputIds.map((row) => [row[t]!]),
          attentionMask: until(attentionMask, t + 1),
        };
        const { lastHiddenState } = small.forward({ ...next, cache });
        const wanted = tf.slice(whole, [0, t, 0], [batch, 1, -1]).dataSync();
        expectClose(lastHiddenState.dataSync(), wanted, closeTo.models, `position ${t}`);
      }
      expect(cache.length).toBe(length);
    });
  });

  it('gives the last token alone where no other is asked for, with a gradient of its own', () => {
    const inputs = { inputIds: ids!, attentionMask: mask!, positionIds: positions! };
    const { transformer } = model;
    const last = (asked: object) => {
      const { lastHiddenState } = transformer.forward(inputs, asked);
      const [batch, length, width] = lastHiddenState.shape;
      return tf.slice(lastHiddenState, [0, length - 1, 0], [batch, 1, width]);
    };
    expect(transformer.forward(inputs, { lastTokenOnly: true }).lastHiddenState.shape[1]).toBe(1);
    const gradients = (asked: object, gradientCheckpointing = false) => {
      Object.assign(inputs, { gradientCheckpointing });
      return tf.variableGrads(() => tf.sum(tf.square(last(asked))) as tf.Scalar, transformer.parameters());
    };
    const whole = gradients({});
    for (const again of [false, true]) {
      const alone = gradients({ lastTokenOnly: true }, again);
      expectClose(alone.value.dataSync(), whole.value.dataSync(), closeTo.models);
      for (const [name, gradient] of Object.entries(whole.grads)) {
        expectClose(alone.grads[name]!.dataSync(), gradient.dataSync(), closeTo.gradients, name);
      }
    }
    const all = transformer.forward({ ...inputs, outputHiddenStates: true }, { lastTokenOnly: true });
    expect(all.lastHiddenState.shape[1]).toBe(ids![0]!.length);
  });

  it.each([
    ['with logits', {}],
    ['without logits', { outputLogits: false as const }],
    ['computing activations again', { outputLogits: false as const, gradientCheckpointing: true }],
  ])('gives the same gradient of every parameter, %s', (_, options) => {
    const parameters = model.namedParameters();
    const inputs = {
      inputIds: ids!,
      attentionMask: mask!,
      positionIds: positions!,
      labels: labels!,
      ...options,
    };
    const { grads } = tf.variableGrads(
      () => model.forward(inputs).loss!,
      parameters.map(([, parameter]) => parameter),
    );
    for (const [key, parameter] of parameters) {
      expectClose(grads[parameter.name]!.dataSync(), lm.tensor(`grad.${key}`).data, closeTo.gradients, key);
    }
    tf.dispose(grads);
  });

  it('repeats its dropout masks when activations are computed again', async () => {
    using trained = await GPT2LMHeadModel.fromPretrained(tiny);
    trained.train();
    const { weight } = trained.transformer.wte;
    const gradient = (gradientCheckpointing: boolean): Float32Array => {
      dropoutState.set({ seed: 7, offset: 0 });
      const inputs = { inputIds: ids!, labels: ids!, outputLogits: false as const, gradientCheckpointing };
      const { grads } = tf.variableGrads(() => trained.forward(inputs).loss!, [weight]);
      return grads[weight.name]!.dataSync() as Float32Array;
    };
    expectClose(gradient(true), gradient(false), closeTo.gradients);
  });

  it('follows ten training steps', async () => {
    const training = readFixture(new URL('training.safetensors', fixtures));
    using trained = await GPT2LMHeadModel.fromPretrained(tiny);
    const parameters = trained.parameters();
    const moments = (): tf.Variable[] => parameters.map(({ shape }) => tf.variable(tf.zeros(shape)));
    const [means, variances] = [moments(), moments()];
    const expected = training.meta.losses as number[];
    for (let step = 1; step <= 10; step++) {
      const inputIds = rows(training.tensor(`batch.${(step - 1) % 4}`));
      tf.tidy(() => {
        const loss = (): tf.Scalar =>
          trained.forward({ inputIds, labels: inputIds, outputLogits: false }).loss!;
        const { value, grads } = tf.variableGrads(loss, parameters);
        expectClose(value.dataSync(), [expected[step - 1]!], closeTo.models, `loss of step ${step}`);
        const gradients = parameters.map(({ name }) => grads[name]!);
        const each = (number: number): number[] => parameters.map(() => number);
        adamW(
          { parameters, gradients, means, variances },
          {
            learningRate: each(1e-3),
            weightDecay: each(0.01),
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            step,
            gradientScale: clipScale(globalNorm(gradients).dataSync()[0]!, 1),
          },
        );
      });
    }
    const tolerance = { atol: 5e-5, rtol: 1e-3 };
    for (const [key, parameter] of trained.namedParameters()) {
      const [actual, wanted] = [parameter.dataSync(), training.tensor(`after.${key}`).data];
      // A bias that all keys share changes no attention: its gradient is rounding, which Adam blows up.
      const third = actual.length / 3;
      const parts = key.endsWith('c_attn.bias') ? [0, 2 * third] : [0];
      for (const start of parts) {
        const end = parts.length > 1 ? start + third : actual.length;
        expectClose(actual.slice(start, end), wanted.slice(start, end), tolerance, key);
      }
    }
    tf.dispose([means, variances]);
  });
});

describe('GPT2LMHeadModel', () => {
  it('draws the same parameters from the same seed, residual projections smaller', () => {
    const spread = (values: ArrayLike<number>): number =>
      Math.sqrt(Array.from(values).reduce((sum, value) => sum + value * value, 0) / values.length);
    using first = new GPT2LMHeadModel(model.config, { seed: 5 });
    using second = new GPT2LMHeadModel(model.config, { seed: 5 });
    const { c_attn, c_proj } = first.transformer.h[0]!.attn;
    expect(c_attn.weight.dataSync()).toEqual(second.transformer.h[0]!.attn.c_attn.weight.dataSync());
    expect(spread(c_attn.weight.dataSync())).toBeCloseTo(0.02, 3);
    expect(spread(c_proj.weight.dataSync())).toBeCloseTo(0.02 / Math.sqrt(2 * 2), 3);
    expect(spread(first.transformer.wpe.weight.dataSync())).toBeCloseTo(0.02, 3);
  });

  it.each<[string, number[][], RegExp]>([
    ['ragged rows', [[1, 2], [3]], /rows of one length, 2.*1 numbers in row 1/s],
    ['no rows', [], /at least one row/],
    ['a text too long', [new Array<number>(49).fill(1)], /at most 48 positions/],
    ['an id out of range', [[1, 96]], /0 to 95/],
  ])('tells of %s', (_, inputIds, message) => {
    const before = tf.memory().numTensors;
    expect(() => model.forward({ inputIds })).toThrow(message);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('leaks no tensor over 100 training steps', () => {
    const parameters = model.train().parameters();
    const step = (): void => {
      const { value, grads } = tf.variableGrads(
        () => model.forward({ inputIds: ids!, labels: ids!, outputLogits: false }).loss!,
        parameters,
      );
      tf.dispose([value, grads]);
    };
    step();
    const before = tf.memory().numTensors;
    for (let i = 0; i < 100; i++) step();
    model.eval();
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('generation against transformers', () => {
  const generated = lm.meta.generated as Record<string, number[][]>;
  const prompt = lm.meta.prompt as number[][];
  const padded = lm.meta.padded as number[][];
  const attentionMask = lm.meta.paddedMask as number[][];

  it.each([
    ['greedy', prompt, { maxLength: 30 }],
    ['batch', padded, { maxLength: 24, attentionMask }],
    [
      'beams',
      prompt,
      { maxLength: 24, numBeams: 4, numReturnSequences: 3, lengthPenalty: 0.8, noRepeatNgramSize: 3 },
    ],
    ['beamsBatch', padded, { maxLength: 24, numBeams: 3, earlyStopping: true, attentionMask }],
    ['penalties', prompt, { maxLength: 30, repetitionPenalty: 1.4, noRepeatNgramSize: 2, minLength: 20 }],
    ['lookup', prompt, { maxLength: 30, promptLookupNumTokens: 4 }],
  ])('%s gives the same ids', async (name, inputIds, options) => {
    expect(await model.generate(inputIds, { padTokenId: 95, ...options })).toEqual(generated[name]);
  });

  it('gives ragged prompts what each gives alone', async () => {
    const ragged = padded.map((row, i) => row.filter((_, t) => attentionMask[i]![t] === 1));
    const together = await model.generate(ragged, { maxNewTokens: 8, padTokenId: 95 });
    for (const [i, row] of ragged.entries()) {
      const [alone] = await model.generate([row], { maxNewTokens: 8, padTokenId: 95 });
      expect(together[i]!.slice(-8)).toEqual(alone!.slice(-8));
    }
  });

  it('streams the tokens that generate gives, and frees everything when it is left early', async () => {
    const before = tf.memory().numTensors;
    const streamed: number[] = [];
    for await (const { tokens } of model.generateStream(prompt, { maxLength: 30, padTokenId: 95 })) {
      streamed.push(tokens[0]!);
      if (streamed.length === 6) break;
    }
    expect(streamed).toEqual(generated.greedy![0]!.slice(5, 11));
    expect(tf.memory().numTensors).toBe(before);
  });

  it('stops within a token of an abort', async () => {
    const controller = new AbortController();
    const seen: number[] = [];
    const stoppingCriteria = [
      ({ tokens }: { tokens: readonly number[] }) => {
        seen.push(tokens.length);
        if (tokens.length === 8) controller.abort();
        return false;
      },
    ];
    const run = model.generate(prompt, { maxLength: 40, stoppingCriteria, signal: controller.signal });
    await expect(run).rejects.toThrow(/abort/i);
    expect(seen.at(-1)).toBe(8);
  });

  it('decodes with int8 weights close to float32, and frees them', async () => {
    const before = tf.memory().numTensors;
    tf.engine().startScope();
    const quantized = (await GPT2LMHeadModel.fromPretrained(tiny)).quantize();
    const row = [ids![0]!.slice(0, 4)];
    const [exact, near] = [model, quantized].map((each) => each.forward({ inputIds: row }).logits);
    const worst = tf.max(tf.abs(tf.sub(exact!, near!))).dataSync()[0]!;
    expect(worst).toBeGreaterThan(0);
    expect(worst).toBeLessThan(0.05 * tf.max(tf.abs(exact!)).dataSync()[0]!);
    const many = ids!; // more rows than int8 serves: float32
    expectClose(
      quantized.forward({ inputIds: many }).logits.dataSync(),
      lm.tensor('plain.logits').data,
      closeTo.models,
    );
    quantized.dispose();
    tf.engine().endScope();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('leaks no tensor over 100 generations', async () => {
    await model.generate(prompt, { maxLength: 7 });
    const before = tf.memory().numTensors;
    for (let i = 0; i < 100; i++) await model.generate(prompt, { maxLength: 7 });
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('loading and saving', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'weft-gpt2-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('writes what it reads back', async () => {
    await model.savePretrained(folder);
    using again = await GPT2LMHeadModel.fromPretrained(folder);
    expect(again.config).toMatchObject({
      model_type: 'gpt2',
      n_layer: 2,
      architectures: ['GPT2LMHeadModel'],
    });
    const logits = again.forward({ inputIds: ids! }).logits.dataSync();
    expect(logits).toEqual(model.forward({ inputIds: ids! }).logits.dataSync());
  });

  it('loads the base model out of a checkpoint with a head, and the other way', async () => {
    using base = await GPT2Model.fromPretrained(tiny);
    const out = base.forward({ inputIds: ids!, attentionMask: mask!, positionIds: positions! });
    expectClose(out.lastHiddenState.dataSync(), lm.tensor('hidden.2').data, closeTo.models);
    const bare = join(folder, 'bare');
    await base.savePretrained(bare);
    using head = await GPT2LMHeadModel.fromPretrained(bare);
    const logits = head.forward({ inputIds: ids! }).logits.dataSync();
    expectClose(logits, lm.tensor('plain.logits').data, closeTo.models);
  });

  it('classifies the last token that is no padding', async () => {
    const fixture = readFixture(new URL('classifier.safetensors', fixtures));
    const warnings: string[] = [];
    using classifier = await GPT2ForSequenceClassification.fromPretrained(tiny, {
      numLabels: 3,
      config: { pad_token_id: 95 },
      warn: (message) => warnings.push(message),
    });
    expect(warnings.join()).toContain('score.weight');
    classifier.score.weight.assign(tf.tensor(fixture.tensor('score').data, [3, 32]));
    const inputs = { inputIds: rows(fixture.tensor('ids')), labels: [...fixture.tensor('labels').data] };
    const { value, grads } = tf.variableGrads(() => classifier.forward(inputs).loss!);
    expectClose(value.dataSync(), fixture.tensor('loss').data, closeTo.models, 'loss');
    expectClose(classifier.forward(inputs).logits.dataSync(), fixture.tensor('logits').data, closeTo.models);
    expectClose(
      grads[classifier.score.weight.name]!.dataSync(),
      fixture.tensor('grad.score').data,
      closeTo.gradients,
    );
    const { weight } = classifier.transformer.wte;
    expectClose(grads[weight.name]!.dataSync(), fixture.tensor('grad.wte').data, closeTo.gradients);
  });
});
