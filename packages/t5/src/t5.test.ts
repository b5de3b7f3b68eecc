import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs';
import { adamW, clipScale, dropoutState, globalNorm } from '@weft/attention';
import { InputError } from '@weft/errors';
import type { GenerationOptions } from '@weft/generation';
import { closeTo, expectClose, type FixtureTensor, readFixture } from '@weft/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { T5EncoderModel, T5ForConditionalGeneration } from './index.js';

const fixtures = new URL('../fixtures/', import.meta.url);
const rows = ({ data, shape }: FixtureTensor): number[][] =>
  Array.from({ length: shape[0]! }, (_, i) => [...data.slice(i * shape[1]!, (i + 1) * shape[1]!)]);

describe.each(['v1_0', 'v1_1'])('T5 %s against transformers', (name) => {
  const fixture = readFixture(new URL(`${name}.safetensors`, fixtures));
  const folder = fileURLToPath(new URL(name, fixtures));
  const inputs = {
    inputIds: rows(fixture.tensor('ids')),
    attentionMask: rows(fixture.tensor('mask')),
    labels: rows(fixture.tensor('labels')),
  };
  let model: T5ForConditionalGeneration;
  beforeAll(async () => {
    model = await T5ForConditionalGeneration.fromPretrained(folder);
  });
  afterAll(() => model.dispose());

  it('gives the same logits, loss, states and attentions', () => {
    const out = model.forward({ ...inputs, outputHiddenStates: true, outputAttentions: true });
    const check = (tensors: tf.Tensor[] | undefined, what: string): void => {
      expect(tensors?.length).toBeGreaterThan(1);
      for (const [i, each] of tensors!.entries()) {
        expectClose(each.dataSync(), fixture.tensor(`${what}.${i}`).data, closeTo.models, `${what} ${i}`);
      }
    };
    expectClose(out.logits.dataSync(), fixture.tensor('logits').data, closeTo.models, 'logits');
    expectClose(out.loss!.dataSync(), fixture.tensor('loss').data, closeTo.models, 'loss');
    check(out.encoderHiddenStates, 'encoderHidden');
    check(out.decoderHiddenStates, 'decoderHidden');
    check(out.encoderAttentions, 'encoderAttention');
    check(out.decoderAttentions, 'decoderAttention');
    check(out.crossAttentions, 'crossAttention');
  });

  it.each([true, false])('gives the same gradient of every parameter, with logits: %s', (outputLogits) => {
    const parameters = model.namedParameters();
    const { value, grads } = tf.variableGrads(
      () => model.forward({ ...inputs, outputLogits: outputLogits as false }).loss!,
      parameters.map(([, parameter]) => parameter),
    );
    expectClose(value.dataSync(), fixture.tensor('loss').data, closeTo.models, 'loss');
    for (const [key, parameter] of parameters) {
      expectClose(
        grads[parameter.name]!.dataSync(),
        fixture.tensor(`grad.${key}`).data,
        closeTo.gradients,
        key,
      );
    }
    tf.dispose(grads);
  });

  it('follows ten training steps', async () => {
    const training = readFixture(new URL(`${name}-training.safetensors`, fixtures));
    using trained = await T5ForConditionalGeneration.fromPretrained(folder);
    const parameters = trained.parameters();
    const moments = (): tf.Variable[] => parameters.map(({ shape }) => tf.variable(tf.zeros(shape)));
    const [means, variances] = [moments(), moments()];
    const expected = training.meta.losses as number[];
    for (let step = 1; step <= 10; step++) {
      const at = (what: string): number[][] => rows(training.tensor(`${what}.${(step - 1) % 3}`));
      tf.tidy(() => {
        const batch = { inputIds: at('ids'), labels: at('labels'), outputLogits: false as const };
        const { value, grads } = tf.variableGrads(() => trained.forward(batch).loss!, parameters);
        expectClose(value.dataSync(), [expected[step - 1]!], closeTo.models, `loss of step ${step}`);
        const gradients = parameters.map((parameter) => grads[parameter.name]!);
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
    for (const [key, parameter] of trained.namedParameters()) {
      const wanted = training.tensor(`after.${key}`).data;
      expectClose(parameter.dataSync(), wanted, { atol: 1e-4, rtol: 1e-3 }, key);
    }
    tf.dispose([means, variances]);
  });

  it('computes blocks again in the backward pass, and gives the same', () => {
    const parameters = model.namedParameters();
    const { value, grads } = tf.variableGrads(
      () => model.forward({ ...inputs, outputLogits: false, gradientCheckpointing: true }).loss!,
      parameters.map(([, parameter]) => parameter),
    );
    expectClose(value.dataSync(), fixture.tensor('loss').data, closeTo.models, 'loss');
    for (const [key, parameter] of parameters) {
      const wanted = fixture.tensor(`grad.${key}`).data;
      expectClose(grads[parameter.name]!.dataSync(), wanted, closeTo.gradients, key);
    }
    tf.dispose([value, grads]);
    const both = { ...inputs, outputAttentions: true, gradientCheckpointing: true };
    expect(() => model.forward(both)).toThrow(InputError);
  });

  it('repeats its dropout when it computes blocks again', () => {
    const lossAndNorm = (gradientCheckpointing: boolean): number[] =>
      tf.tidy(() => {
        dropoutState.set({ seed: 7, offset: 0 });
        const { value, grads } = tf.variableGrads(
          () => model.forward({ ...inputs, outputLogits: false, gradientCheckpointing }).loss!,
          model.parameters(),
        );
        return [value.dataSync()[0]!, globalNorm(Object.values(grads)).dataSync()[0]!];
      });
    model.train();
    const plain = lossAndNorm(false);
    expectClose(lossAndNorm(true), plain, closeTo.gradients);
    model.eval();
    expect(plain[0]).not.toBeCloseTo(fixture.tensor('loss').data[0]!, 3);
  });

  const generated = fixture.meta.generated as Record<string, number[][]>;
  const { inputIds, attentionMask } = inputs;
  // As ENDS and EARLY of the generator.
  const eosTokenId = [1, ...Array.from({ length: 16 }, (_, i) => 2 + 5 * i)];
  const early = { maxLength: 14, numBeams: 3, eosTokenId, minNewTokens: 2 };
  const cases: [string, GenerationOptions][] = [
    ['greedy', { maxLength: 12 }],
    ['beams', { maxLength: 12, numBeams: 4, numReturnSequences: 2 }],
    ['never', { maxLength: 12, numBeams: 3, earlyStopping: 'never', lengthPenalty: 1.5 }],
    [
      'forced',
      {
        maxLength: 10,
        numBeams: 3,
        earlyStopping: true,
        forcedEosTokenId: 1,
        forcedBosTokenId: 5,
        noRepeatNgramSize: 2,
      },
    ],
    [
      'prompted',
      {
        maxLength: 12,
        decoderInputIds: [
          [0, 9, 11],
          [0, 30, 31],
          [0, 2, 2],
        ],
      },
    ],
    [
      'promptedBeams',
      {
        maxNewTokens: 6,
        numBeams: 3,
        decoderInputIds: [
          [9, 11],
          [30, 31],
          [2, 2],
        ],
      },
    ],
    ['early', { ...early, earlyStopping: true }],
    ['late', { ...early, earlyStopping: false, numReturnSequences: 3 }],
    ['latest', { ...early, earlyStopping: 'never', lengthPenalty: 2, numReturnSequences: 2 }],
    ['short', { ...early, earlyStopping: false, lengthPenalty: -1 }],
    ['ended', { maxLength: 14, eosTokenId }],
    ['forcedGreedy', { maxLength: 8, forcedBosTokenId: 33, forcedEosTokenId: 1, repetitionPenalty: 1.3 }],
  ];
  it.each(cases)('generates the same ids: %s', async (kind, options) => {
    const before = tf.memory().numTensors;
    expect(await model.generate(inputIds, { attentionMask, ...options })).toEqual(generated[kind]);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('streams, and stops when told to', async () => {
    const before = tf.memory().numTensors;
    const streamed: number[][] = inputIds.map(() => [0]);
    for await (const { tokens } of model.generateStream(inputIds, { attentionMask, maxLength: 12 })) {
      for (const [i, token] of tokens.entries()) if (token !== undefined) streamed[i]!.push(token);
    }
    for (const [i, row] of streamed.entries())
      expect(generated.greedy![i]!.slice(0, row.length)).toEqual(row);
    for (const numBeams of [1, 3]) {
      const controller = new AbortController();
      const run = model.generate(inputIds, { maxNewTokens: 10_000, numBeams, signal: controller.signal });
      setTimeout(() => controller.abort(new Error('enough')), 20);
      await expect(run).rejects.toThrow('enough');
    }
    expect(tf.memory().numTensors).toBe(before);
  });

  it.each([
    ['greedy', {}],
    ['beams', { numBeams: 3 }],
    ['beams that end', { numBeams: 3, eosTokenId, earlyStopping: true }],
    ['several returns', { numBeams: 4, numReturnSequences: 3, eosTokenId }],
    ['sampling', { doSample: true, topK: 1, numReturnSequences: 2 }],
  ])('gives padded sources what each gives alone: %s', async (_, options: GenerationOptions) => {
    const lengths = attentionMask.map((row) => row.reduce((sum, kept) => sum + kept, 0));
    const together = await model.generate(inputIds, { attentionMask, maxNewTokens: 8, ...options });
    const returned = options.numReturnSequences ?? 1;
    for (const [i, row] of inputIds.entries()) {
      const alone = await model.generate([row.slice(0, lengths[i])], { maxNewTokens: 8, ...options });
      for (const [j, each] of alone.entries()) {
        expect(together[i * returned + j]!.slice(0, each.length)).toEqual(each);
      }
    }
  });

  it('encodes sources of like lengths together, and gives each what it gets alone', async () => {
    const sources = Array.from({ length: 12 }, (_, b) =>
      Array.from({ length: 3 + ((b * 7) % 20) }, (_, t) => 2 + ((b * 31 + t * 17) % 78)),
    );
    for (const numBeams of [1, 3]) {
      const together = await model.generate(sources, { maxNewTokens: 6, numBeams });
      for (const [i, source] of sources.entries()) {
        const [alone] = await model.generate([source], { maxNewTokens: 6, numBeams });
        expect(together[i]!.slice(0, alone!.length)).toEqual(alone);
      }
    }
  });

  it('writes what it reads back, and gives its encoder alone', async () => {
    const out = mkdtempSync(join(tmpdir(), 'weft-t5-'));
    await model.savePretrained(out);
    using again = await T5ForConditionalGeneration.fromPretrained(out);
    expect(again.forward(inputs).logits.dataSync()).toEqual(model.forward(inputs).logits.dataSync());
    using encoder = await T5EncoderModel.fromPretrained(out);
    const { lastHiddenState } = encoder.forward(inputs);
    expectClose(lastHiddenState.dataSync(), fixture.tensor('encoderHidden.2').data, closeTo.models);
    rmSync(out, { recursive: true });
  });
});
