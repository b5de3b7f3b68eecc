import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs';
import { adamW, clipScale, globalNorm, type Module } from '@weft/attention';
import { closeTo, expectClose, type Fixture, type FixtureTensor, readFixture } from '@weft/testing';
import { describe, expect, it } from 'vitest';
import * as bert from './index.js';

const root = new URL('../fixtures/', import.meta.url);
const families = { bert: 'Bert', distilbert: 'DistilBert', roberta: 'Roberta' } as const;

interface Loaded extends Module {
  forward(inputs: object, asked?: object): Record<string, tf.Tensor | tf.Tensor[]> & { loss: tf.Scalar };
}
interface ModelType {
  fromPretrained(source: string, options: object): Promise<Loaded>;
}
const classOf = (name: string): ModelType => (bert as unknown as Record<string, ModelType>)[name]!;
const folderOf = (family: string): string => fileURLToPath(new URL(`${family}/base`, root));

const camel = (name: string): string => name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
const nested = ({ data, shape }: FixtureTensor): unknown =>
  shape.reduceRight<unknown[]>(
    (flat, size, axis) =>
      axis === 0
        ? flat
        : Array.from({ length: flat.length / size }, (_, i) => flat.slice(i * size, (i + 1) * size)),
    [...data],
  );

const withPrefix = (fixture: Fixture, prefix: string): [string, FixtureTensor][] =>
  Object.entries(fixture.tensors)
    .filter(([name]) => name.startsWith(prefix))
    .map(([name, tensor]) => [name.slice(prefix.length), tensor]);

const inputsOf = (fixture: Fixture): object =>
  Object.fromEntries(withPrefix(fixture, 'in.').map(([name, tensor]) => [camel(name), nested(tensor)]));

function expectOutputs(out: ReturnType<Loaded['forward']>, fixture: Fixture): void {
  for (const [name, tensor] of withPrefix(fixture, 'out.')) {
    const [field, index] = name.split('.') as [string, string?];
    const given = out[camel(field)]!;
    const value = (index === undefined ? given : (given as tf.Tensor[])[Number(index)]) as tf.Tensor;
    expectClose(value.dataSync(), tensor.data, closeTo.models, name);
  }
}

async function loadHead(family: string, fixture: Fixture): Promise<Loaded> {
  const { architecture, config } = fixture.meta as { architecture: string; config: object };
  const model = await classOf(architecture).fromPretrained(folderOf(family), { config, warn: () => {} });
  const parameters = new Map(model.namedParameters());
  for (const [key, { data, shape }] of withPrefix(fixture, 'param.')) {
    const values = tf.tensor(data, shape);
    parameters.get(key)!.assign(values);
    values.dispose();
  }
  return model;
}

function expectGradients(model: Loaded, inputs: object, fixture: Fixture): void {
  const { grads } = tf.variableGrads(() => model.forward(inputs).loss, model.parameters());
  const expected = new Map(withPrefix(fixture, 'grad.'));
  const named = new Map(model.namedParameters());
  expect([...named.keys()].sort()).toEqual([...expected.keys()].sort());
  for (const [key, { data }] of expected) {
    expectClose(grads[named.get(key)!.name]!.dataSync(), data, closeTo.gradients, key);
  }
  tf.dispose(grads);
}

/** Ten steps of AdamW, clipped to norm 1; the losses before each. */
function train(model: Loaded, inputs: object): number[] {
  const parameters = model.parameters();
  const moments = (): tf.Variable[] => parameters.map(({ shape }) => tf.variable(tf.zeros(shape)));
  const [means, variances] = [moments(), moments()];
  const each = (number: number): number[] => parameters.map(() => number);
  const losses: number[] = [];
  for (let step = 1; step <= 10; step++) {
    tf.tidy(() => {
      const { value, grads } = tf.variableGrads(() => model.forward(inputs).loss, parameters);
      losses.push(value.dataSync()[0]!);
      const gradients = parameters.map(({ name }) => grads[name]!);
      const settings = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, step };
      const gradientScale = clipScale(globalNorm(gradients).dataSync()[0]!, 1);
      adamW(
        { parameters, gradients, means, variances },
        { learningRate: each(1e-3), weightDecay: each(0.01), gradientScale, ...settings },
      );
    });
  }
  tf.dispose([means, variances]);
  return losses;
}

for (const [family, name] of Object.entries(families)) {
  describe(`${name} against transformers`, () => {
    it('gives the same hidden states, attentions and pooled output', async () => {
      using model = await classOf(`${name}Model`).fromPretrained(folderOf(family), {});
      const fixture = readFixture(new URL(`${family}/base.safetensors`, root));
      const inputs = { ...inputsOf(fixture), outputHiddenStates: true, outputAttentions: true };
      const out = model.forward(inputs);
      expectOutputs(out, fixture);
      const plain = model.forward(inputsOf(fixture));
      expectClose(
        (plain.lastHiddenState as tf.Tensor).dataSync(),
        fixture.tensor('out.last_hidden_state').data,
        closeTo.models,
        'without attentions',
      );
      const first = model.forward(inputsOf(fixture), { firstTokenOnly: true }).lastHiddenState as tf.Tensor3D;
      const [batch, one, width] = first.shape;
      expect(one).toBe(1);
      const wanted = tf.slice(plain.lastHiddenState as tf.Tensor3D, [0, 0, 0], [batch, 1, width]);
      expectClose(first.dataSync(), wanted.dataSync(), closeTo.models, 'the first token alone');
      tf.dispose([out, plain, first, wanted]);
    });

    const cases = readdirSync(new URL(`${family}/`, root)).filter(
      (file) => file.endsWith('.safetensors') && file !== 'base.safetensors',
    );
    it.each(cases)('%s: the same outputs, loss, gradients and ten steps', async (file) => {
      const fixture = readFixture(new URL(`${family}/${file}`, root));
      using model = await loadHead(family, fixture);
      const inputs = inputsOf(fixture);
      const out = model.forward(inputs);
      expectOutputs(out, fixture);
      tf.dispose(out);
      expectGradients(model, inputs, fixture);
      // The same without logits, where a head can leave them out, and with activations computed again.
      expectGradients(model, { ...inputs, outputLogits: false, gradientCheckpointing: true }, fixture);

      const losses = train(model, { ...inputs, outputLogits: false });
      expectClose(losses, fixture.meta.losses as number[], closeTo.models, 'losses');
      const after = new Map(withPrefix(fixture, 'after.'));
      for (const [key, parameter] of after.size > 0 ? model.namedParameters() : []) {
        // A bias that all keys share changes no attention: its gradient is rounding, which Adam blows up.
        if (/\.(key|k_lin)\.bias$/.test(key)) continue;
        expectClose(parameter.dataSync(), after.get(key)!.data, { atol: 5e-5, rtol: 1e-3 }, key);
      }
    });
  });
}
