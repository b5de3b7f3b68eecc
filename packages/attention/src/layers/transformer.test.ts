import * as tf from '@tensorflow/tfjs';
import { ConfigError, InputError } from '@weft/errors';
import { closeTo, expectClose, seededRandom } from '@weft/testing';
import { describe, expect, it } from 'vitest';
import { fixture, toTensor } from '../../test/cases.ts';
import { build, torchWeights } from '../../test/torch-weights.ts';
import { Scope } from '../module/scope.js';
import { adamW } from '../ops/optimizer.js';
import { Transformer, type TransformerOptions } from './transformer.js';

const torch = fixture('transformer');

/** The keys of the generator's model in weft's. */
const rename = (key: string): string =>
  key
    .replace(/^source\./, 'source_embedding.')
    .replace(/^target\./, 'target_embedding.')
    .replace(/^transformer\./, '')
    .replace(/\.multihead_attn\./, '.cross_attn.')
    .replace(/\.(linear[12])\./, '.feed_forward.$1.');

const shape = {
  width: 16,
  numHeads: 4,
  numEncoderLayers: 2,
  numDecoderLayers: 2,
  innerWidth: 24,
  finalNorm: true,
};
const variants: Record<string, TransformerOptions> = {
  post: { ...shape, sourceVocabSize: 23, targetVocabSize: 19, tie: 'none' },
  pre: { ...shape, sourceVocabSize: 23, normFirst: true },
};

describe('Transformer against torch.nn.Transformer', () => {
  for (const [name, options] of Object.entries(variants)) {
    const load = () =>
      build(
        torchWeights(torch, `${name}/p.`, rename),
        (source) => new Transformer(options, new Scope(source)),
      );
    const inputs = () => ({
      inputIds: toTensor(torch.tensor(`${name}/source`)) as tf.Tensor2D,
      decoderInputIds: toTensor(torch.tensor(`${name}/target`)) as tf.Tensor2D,
      attentionMask: toTensor(torch.tensor(`${name}/mask`)) as tf.Tensor2D,
      labels: toTensor(torch.tensor(`${name}/labels`)) as tf.Tensor2D,
    });

    it(`gives the same logits and smoothed loss: ${name}-norm`, () => {
      using model = load();
      const before = tf.memory().numTensors;
      tf.tidy(() => {
        const { logits, loss } = model.forward(inputs());
        expectClose(logits!.dataSync(), torch.tensor(`${name}/logits`).data, closeTo.models, 'logits');
        expectClose(loss!.dataSync(), torch.tensor(`${name}/loss`).data, closeTo.models, 'loss');
      });
      expect(tf.memory().numTensors).toBe(before);
    });

    for (const gradientCheckpointing of [false, true]) {
      it(`gives the same gradients: ${name}-norm${gradientCheckpointing ? ', blocks computed again' : ''}`, () => {
        using model = load();
        const before = tf.memory().numTensors;
        tf.tidy(() => {
          const given = { ...inputs(), outputLogits: gradientCheckpointing, gradientCheckpointing };
          const { grads } = tf.variableGrads(() => model.forward(given).loss!, model.parameters());
          const expected = torchWeights(torch, `${name}/g.`, rename);
          expect(model.namedParameters()).toHaveLength(Object.keys(expected).length);
          for (const [key, { name: variable }] of model.namedParameters())
            expectClose(grads[variable]!.dataSync(), expected[key]!.data, closeTo.gradients, key);
        });
        expect(tf.memory().numTensors).toBe(before);
      });
    }

    it(`gives the same logits position by position from its caches: ${name}-norm`, () => {
      using model = load();
      const before = tf.memory().numTensors;
      tf.tidy(() => {
        const { inputIds, attentionMask, decoderInputIds } = inputs();
        const ids = decoderInputIds.arraySync();
        using session = model.startDecoding({ inputIds, attentionMask });
        const vocabSize = session.vocabSize;
        const expected = torch.tensor(`${name}/logits`).data;
        const rowsAt = (t: number) =>
          ids.flatMap((_, b) => [...expected.slice((b * 5 + t) * vocabSize, (b * 5 + t + 1) * vocabSize)]);
        expectClose(session.step(ids.map((row) => row.slice(0, 2))), rowsAt(1), closeTo.models);
        for (const t of [2, 3])
          expectClose(session.step(ids.map((row) => [row[t]!])), rowsAt(t), closeTo.models);
        session.crop(3);
        expect(session.length).toBe(3);
        session.reorder([2, 0, 1]);
        const moved = session.step([2, 0, 1].map((b) => [ids[b]![3]!]));
        const plain = rowsAt(3);
        const row = (b: number) => plain.slice(b * vocabSize, (b + 1) * vocabSize);
        expectClose(moved, [2, 0, 1].flatMap(row), closeTo.models);
      });
      expect(tf.memory().numTensors).toBe(before);
    });
  }
});

describe('Transformer', () => {
  it('learns to copy a sequence backwards', () => {
    const random = seededRandom(7);
    const draw = () => Array.from({ length: 3 }, () => 3 + Math.floor(random() * 4));
    using model = new Transformer(
      {
        sourceVocabSize: 7,
        width: 16,
        numHeads: 2,
        numEncoderLayers: 1,
        numDecoderLayers: 1,
        innerWidth: 32,
        dropout: 0,
      },
      { seed: 3 },
    );
    model.train();
    const parameters = model.parameters();
    const zeros = () =>
      parameters.map((parameter) => tf.tidy(() => tf.variable(tf.zerosLike(parameter), false)));
    const [means, variances] = [zeros(), zeros()];
    const decay = parameters.map(() => 0);
    for (let step = 1; step <= 250; step++) {
      const inputIds = Array.from({ length: 8 }, draw);
      const labels = inputIds.map((row) => [...row].reverse().concat(2));
      tf.tidy(() => {
        const { grads } = tf.variableGrads(
          () => model.forward({ inputIds, labels, labelSmoothing: 0, outputLogits: false }).loss!,
          parameters,
        );
        adamW(
          { parameters, gradients: parameters.map(({ name }) => grads[name]!), means, variances },
          {
            learningRate: parameters.map(() => 1e-2 * Math.min(1, step / 20)),
            weightDecay: decay,
            beta1: 0.9,
            beta2: 0.98,
            epsilon: 1e-9,
            step,
            gradientScale: 1,
          },
        );
      });
    }
    tf.dispose([...means, ...variances]);
    model.eval();
    let right = 0;
    for (let i = 0; i < 20; i++) {
      const source = draw();
      if (greedy(model, source, 4).join() === [...source].reverse().concat(2).join()) right++;
    }
    expect(right).toBeGreaterThanOrEqual(18); // of 20
  });

  it('says what is missing or does not fit', () => {
    expect(() => new Transformer({ sourceVocabSize: 8, width: 10, numHeads: 4 })).toThrow(ConfigError);
    expect(() => new Transformer({ sourceVocabSize: 8, targetVocabSize: 9, tie: 'all' })).toThrow(
      ConfigError,
    );
    using model = new Transformer({
      sourceVocabSize: 8,
      width: 8,
      numHeads: 2,
      numEncoderLayers: 1,
      numDecoderLayers: 1,
      maxPositions: 3,
    });
    const before = tf.memory().numTensors;
    tf.tidy(() => {
      expect(() => model.forward({ inputIds: [[1, 2]] })).toThrow(InputError);
      expect(() => model.forward({ inputIds: [[1, 2], [3]], labels: [[1], [2]] })).toThrow(/row 1/);
      expect(() => model.forward({ inputIds: [[1, 8]], labels: [[1, 2]] })).toThrow(/8 at position 1/);
    });
    {
      using session = model.startDecoding({ inputIds: [[3, 4]] });
      expect(() => session.step([[1, 3, 4, 5]])).toThrow(/at most 3 positions/);
    }
    expect(tf.memory().numTensors).toBe(before);
  });
});

/** The likeliest next token, again and again. */
function greedy(model: Transformer, source: number[], length: number): number[] {
  using session = model.startDecoding({ inputIds: [source] });
  const ids: number[] = [];
  let last = model.options.decoderStartTokenId;
  while (ids.length < length) {
    const logits = session.step([[last]]);
    last = logits.indexOf(Math.max(...logits));
    ids.push(last);
  }
  return ids;
}
