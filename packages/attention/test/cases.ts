import * as tf from '@tensorflow/tfjs';
import { closeTo, expectClose, type FixtureTensor, readFixture } from '@weft/testing';
import { expect, it } from 'vitest';

/** Attributes of one case, as the generator wrote them. */
export type CaseAttributes = Record<string, unknown> & { op: string; inputs: string[] };
export type Inputs = Record<string, tf.Tensor>;

export const fixture = (name: string) =>
  readFixture(new URL(`../fixtures/${name}.safetensors`, import.meta.url));

const ops = fixture('ops');
const cases = ops.meta.cases as Record<string, CaseAttributes>;

export const toTensor = ({ data, shape }: FixtureTensor): tf.Tensor =>
  tf.tensor(data, shape, data instanceof Int32Array ? 'int32' : 'float32');

/**
 * One test a case of this op: the value without a tape, the value and every gradient with one, and that no tensor
 * is left behind.
 */
export function testCases<Attrs>(op: string, run: (inputs: Inputs, attrs: Attrs) => tf.Tensor): void {
  for (const [name, attributes] of Object.entries(cases)) {
    if (attributes.op !== op) continue;
    it(`equals PyTorch: ${name}`, () => {
      const before = tf.memory().numTensors;
      tf.tidy(() => checkCase(name, attributes, (inputs) => run(inputs, attributes as Attrs)));
      expect(tf.memory().numTensors, 'tensors left behind').toBe(before);
    });
  }
}

function checkCase(
  name: string,
  { inputs: names }: CaseAttributes,
  run: (inputs: Inputs) => tf.Tensor,
): void {
  const inputs: Inputs = {};
  for (const key of names) inputs[key] = toTensor(ops.tensor(`${name}/${key}`));
  const expected = ops.tensor(`${name}/y`);
  const count = tf.memory().numTensors;
  const y = run(inputs);
  expect(tf.memory().numTensors - count, 'tensors that the op makes beside its output').toBe(1);
  expect(y.shape).toEqual(expected.shape);
  expectClose(y.dataSync(), expected.data, closeTo.ops, `${name} y`);

  const free = names.filter((key) => ops.tensors[`${name}/d.${key}`]);
  const gradients = tf.grads((...given: tf.Tensor[]) =>
    run({ ...inputs, ...Object.fromEntries(free.map((key, i) => [key, given[i]!])) }),
  )(
    free.map((key) => inputs[key]!),
    toTensor(ops.tensor(`${name}/w`)),
  );
  for (const [i, key] of free.entries()) {
    const wanted = ops.tensor(`${name}/d.${key}`);
    expect(gradients[i]!.shape, `shape of d ${key}`).toEqual(wanted.shape);
    expectClose(gradients[i]!.dataSync(), wanted.data, closeTo.gradients, `${name} d ${key}`);
  }
}
