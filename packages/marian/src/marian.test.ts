import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs';
import { adamW, clipScale, globalNorm } from '@weft/attention';
import { ConfigError, GenerationError, InputError } from '@weft/errors';
import type { GenerationOptions } from '@weft/generation';
import { closeTo, expectClose, type FixtureTensor, readFixture } from '@weft/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MarianModel, MarianMTModel, marianConfigSchema } from './index.js';

const fixtures = new URL('../fixtures/', import.meta.url);
const fixture = readFixture(new URL('tiny.safetensors', fixtures));
const folder = fileURLToPath(new URL('tiny', fixtures));
const rows = ({ data, shape }: FixtureTensor): number[][] =>
  Array.from({ length: shape[0]! }, (_, i) => [...data.slice(i * shape[1]!, (i + 1) * shape[1]!)]);
const inputs = {
  inputIds: rows(fixture.tensor('ids')),
  attentionMask: rows(fixture.tensor('mask')),
  labels: rows(fixture.tensor('labels')),
};
/** Every parameter that PyTorch trains; the bias of the logits is a buffer there. */
const trainedKeys = Object.keys(fixture.tensors).flatMap((name) =>
  name.startsWith('grad.') ? [name.slice('grad.'.length)] : [],
);

let model: MarianMTModel;
beforeAll(async () => {
  model = await MarianMTModel.fromPretrained(folder);
});
afterAll(() => model.dispose());

describe('Marian against transformers', () => {
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

  it.each([
    ['logits', { outputLogits: true }],
    ['no logits', { outputLogits: false }],
    ['layers computed again', { outputLogits: false, gradientCheckpointing: true }],
  ])('gives the same gradient of every parameter: %s', (_, options) => {
    const { value, grads } = tf.variableGrads(
      () => model.forward({ ...inputs, ...(options as { outputLogits: false }) }).loss!,
      model.parameters(),
    );
    expectClose(value.dataSync(), fixture.tensor('loss').data, closeTo.models, 'loss');
    const trained = model.namedParameters().filter(([, { name }]) => grads[name]);
    expect(trained.map(([key]) => key).sort()).toEqual([...trainedKeys].sort());
    for (const [key, { name }] of trained) {
      expectClose(grads[name]!.dataSync(), fixture.tensor(`grad.${key}`).data, closeTo.gradients, key);
    }
    tf.dispose([value, grads]);
  });

  it('follows ten training steps', async () => {
    const training = readFixture(new URL('tiny-training.safetensors', fixtures));
    using trained = await MarianMTModel.fromPretrained(folder);
    const named = trained.namedParameters().filter(([key]) => key !== 'final_logits_bias');
    const parameters = named.map(([, parameter]) => parameter);
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
    for (const [key, parameter] of named) {
      // A bias of keys shifts all scores of a query alike: its gradient is rounding, which Adam makes steps of.
      if (key.endsWith('k_proj.bias')) continue;
      expectClose(
        parameter.dataSync(),
        training.tensor(`after.${key}`).data,
        { atol: 1e-4, rtol: 1e-3 },
        key,
      );
    }
    tf.dispose([means, variances]);
  });
});

describe('translation', () => {
  const generated = fixture.meta.generated as Record<string, number[][]>;
  const { inputIds, attentionMask } = inputs;
  // As ENDS and EARLY of the generator.
  const eosTokenId = [0, ...Array.from({ length: 16 }, (_, i) => 2 + 5 * i)].filter((id) => id < 78);
  const early = { maxLength: 14, numBeams: 3, eosTokenId, minNewTokens: 2 };
  const cases: [string, GenerationOptions][] = [
    ['greedy', { maxLength: 12, numBeams: 1 }],
    ['beams', { maxLength: 12, numBeams: 4, numReturnSequences: 2 }],
    ['allowed', { maxLength: 12, numBeams: 4 }],
    ['early', { ...early, earlyStopping: true }],
    ['late', { ...early, earlyStopping: false, numReturnSequences: 3 }],
    ['latest', { ...early, earlyStopping: 'never', lengthPenalty: 2 }],
    [
      'prompted',
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
  ];
  it.each(cases)('gives the ids of transformers: %s', async (kind, options) => {
    const before = tf.memory().numTensors;
    expect(await model.generate(inputIds, { attentionMask, ...options })).toEqual(generated[kind]);
    expect(tf.memory().numTensors).toBe(before);
  });

  it.each([{}, { numBeams: 3 }, { numBeams: 4, numReturnSequences: 3, eosTokenId }])(
    'gives padded sources what each gives alone: %j',
    async (options: GenerationOptions) => {
      const lengths = attentionMask.map((row) => row.reduce((sum, kept) => sum + kept, 0));
      const together = await model.generate(inputIds, { attentionMask, maxNewTokens: 8, ...options });
      const returned = options.numReturnSequences ?? 1;
      for (const [i, row] of inputIds.entries()) {
        const alone = await model.generate([row.slice(0, lengths[i])], { maxNewTokens: 8, ...options });
        for (const [j, each] of alone.entries()) {
          expect(together[i * returned + j]!.slice(0, each.length)).toEqual(each);
        }
      }
    },
  );

  it('streams, and stops when told to', async () => {
    const streamed: number[][] = inputIds.map(() => [79]);
    for await (const { tokens } of model.generateStream(inputIds, { attentionMask, maxLength: 12 })) {
      for (const [i, token] of tokens.entries()) if (token !== undefined) streamed[i]!.push(token);
    }
    for (const [i, row] of streamed.entries())
      expect(generated.greedy![i]!.slice(0, row.length)).toEqual(row);
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(model.generate(inputIds, { signal, numBeams: 3 })).rejects.toThrow('enough');
  });
});

describe('files and wrong input', () => {
  it('writes what it reads back, and loads without a head', async () => {
    const out = mkdtempSync(join(tmpdir(), 'weft-marian-'));
    await model.savePretrained(out);
    using again = await MarianMTModel.fromPretrained(out);
    expect(again.forward(inputs).logits.dataSync()).toEqual(model.forward(inputs).logits.dataSync());
    using base = await MarianModel.fromPretrained(out, { warn: () => undefined });
    const { encoderLastHiddenState } = base.forward({
      ...inputs,
      decoderInputIds: inputs.labels.map(() => [79]),
    });
    expectClose(encoderLastHiddenState.dataSync(), fixture.tensor('encoderHidden.2').data, closeTo.models);
    rmSync(out, { recursive: true });
  });

  it('refuses separate vocabularies, heads that do not fit, and more positions than there are', async () => {
    const refuses = (config: Record<string, unknown>): void =>
      expect(() => new MarianMTModel(marianConfigSchema.parse({ vocab_size: 20, ...config }))).toThrow(
        ConfigError,
      );
    refuses({ share_encoder_decoder_embeddings: false });
    refuses({ decoder_vocab_size: 30 });
    refuses({ d_model: 30, encoder_attention_heads: 4 });
    const long = [Array.from({ length: 41 }, () => 5)];
    expect(() => model.forward({ inputIds: long, labels: [[5]] })).toThrow(/at most 40 positions/);
    expect(() => model.forward({ inputIds: [[5]] })).toThrow(InputError);
    await expect(model.generate(long)).rejects.toThrow(/at most 40 tokens, received 41/);
    await expect(model.generate([[]])).rejects.toThrow(GenerationError);
    const warnings: string[] = [];
    const cut = { longSource: 'cut', warn: (message: string) => warnings.push(message) } as const;
    expect(await model.generate(long, cut)).toHaveLength(1);
    expect(warnings.join()).toMatch(/1 more than 40/);
  });
});
