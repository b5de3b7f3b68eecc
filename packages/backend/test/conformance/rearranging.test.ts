import * as tf from '@tensorflow/tfjs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { numbers } from './reference.js';

beforeEach(() => {
  tf.engine().startScope();
});
afterEach(() => {
  tf.engine().endScope();
});

/** Every one of these moves or picks values: the result must be that of the cpu backend, bit for bit. */
const cases: Record<string, () => tf.Tensor | tf.Tensor[]> = {
  'transpose 2d': () => tf.transpose(x([67, 33])),
  'transpose 2d of one row': () => tf.transpose(x([1, 33])),
  'transpose heads': () => tf.transpose(x([2, 5, 3, 17]), [0, 2, 1, 3]),
  'transpose all axes': () => tf.transpose(x([2, 3, 4, 5]), [3, 1, 0, 2]),
  'transpose last two': () => tf.transpose(x([3, 5, 18]), [0, 2, 1]),
  'transpose int32': () => tf.transpose(ids([5, 7])),
  'transpose bool': () => tf.transpose(tf.greater(x([5, 7]), 0)),
  'transpose of nothing': () => tf.transpose(tf.zeros([0, 3])),
  'concat last axis': () => tf.concat([x([3, 5]), x([3, 17]), x([3, 1])], 1),
  'concat first axis': () => tf.concat([x([3, 5]), x([2, 5])], 0),
  'concat middle axis': () => tf.concat([x([2, 3, 5]), x([2, 1, 5])], 1),
  'concat int32': () => tf.concat([ids([3]), ids([4])]),
  'concat with an empty one': () => tf.concat([x([0, 5]), x([2, 5])], 0),
  'slice rows': () => tf.slice(x([9, 17]), [2, 0], [3, 17]),
  'slice columns': () => tf.slice(x([9, 17]), [0, 3], [9, 5]),
  'slice 4d': () => tf.slice(x([3, 4, 5, 6]), [1, 1, 2, 0], [2, 2, 2, 5]),
  'slice nothing': () => tf.slice(x([9, 17]), [2, 0], [0, 17]),
  'slice int32': () => tf.slice(ids([9]), [2], [4]),
  split: () => tf.split(x([5, 24]), 3, 1),
  'split unevenly': () => tf.split(x([5, 24]), [4, 20], 1),
  stack: () => tf.stack([x([3, 4]), x([3, 4])], 1),
  unstack: () => tf.unstack(x([3, 4, 5]), 1),
  stridedSlice: () => tf.stridedSlice(x([9, 17]), [0, 16], [9, 0], [2, -3]),
  reverse: () => tf.reverse(x([3, 7]), 1),
  tile: () => tf.tile(x([2, 5]), [3, 2]),
  pad: () =>
    tf.pad(
      x([3, 5]),
      [
        [1, 2],
        [0, 3],
      ],
      -1,
    ),
  'gather rows': () => tf.gather(x([9, 17]), tf.tensor1d([8, 0, 3, 3], 'int32')),
  'gather columns': () => tf.gather(x([9, 17]), tf.tensor1d([16, 0, 3], 'int32'), 1),
  'gather by a matrix': () => tf.gather(x([9, 5]), tf.tensor2d([8, 0, 3, 3], [2, 2], 'int32')),
  'gather in batches': () => tf.gather(x([2, 9, 5]), tf.tensor2d([8, 0, 3, 3], [2, 2], 'int32'), 1, 1),
  gatherND: () => tf.gatherND(x([4, 5]), tf.tensor2d([0, 1, 3, 4], [2, 2], 'int32')),
  oneHot: () => tf.oneHot(tf.tensor1d([0, 3, 1], 'int32'), 5),
  where: () => tf.where(tf.greater(x([5, 7]), 0), x([5, 7]), tf.zeros([5, 7])),
  'where broadcast': () => tf.where(tf.tensor2d([1, 0, 1], [3, 1], 'bool'), x([3, 4]), tf.scalar(-1)),
  'cast to int32': () => tf.cast(tf.mul(x([5, 7]), 5), 'int32'),
  'cast to bool': () => tf.cast(tf.round(x([5, 7])), 'bool'),
  'cast to float': () => tf.cast(ids([5, 7]), 'float32'),
  'cast bool to float': () => tf.cast(tf.greater(x([5, 7]), 0), 'float32'),
  'cast of NaN to bool': () => tf.cast(tf.tensor1d([Number.NaN, 0, 1]), 'bool'),
  argMax: () => tf.argMax(x([7, 33]), 1),
  'argMax first axis': () => tf.argMax(x([7, 33]), 0),
  'argMax of equals': () => tf.argMax(tf.round(x([7, 33])), 1),
  'argMax of one': () => tf.argMax(x([7, 1]), -1),
  argMin: () => tf.argMin(x([7, 33]), 1),
  topk: () => Object.values(tf.topk(x([3, 100]), 7)),
  'topk of equals': () => Object.values(tf.topk(tf.round(tf.mul(x([3, 40]), 3)), 12)),
  'topk of all': () => Object.values(tf.topk(x([2, 17]), 17)),
  'topk of int32': () => Object.values(tf.topk(ids([40]), 3)),
  cumsum: () => tf.cumsum(ids([3, 7]), 1),
  'logical ops': () => tf.logicalAnd(tf.greater(x([9]), 0), tf.logicalNot(tf.greater(x([9]), 0.5))),
  'all and any': () => [tf.all(tf.greater(x([3, 4]), 0), 1), tf.any(tf.greater(x([3, 4]), 0), 1)],
  broadcastTo: () => tf.broadcastTo(x([3, 1]), [2, 3, 4]),
  'range and fill': () => [tf.range(0, 10, 3), tf.fill([3, 2], 7), tf.ones([0]), tf.eye(4)],
  'int32 sums': () => [tf.sum(ids([3, 7]), 1), tf.add(ids([5]), ids([5])), tf.mul(ids([5]), ids([5]))],
  'int32 matMul': () => tf.matMul(ids([3, 4]), ids([4, 2])),
  scatterND: () => tf.scatterND(tf.tensor2d([1, 3], [2, 1], 'int32'), tf.tensor1d([5, 6]), [5]),
  unsortedSegmentSum: () =>
    tf.unsortedSegmentSum(tf.round(tf.mul(x([4, 3]), 9)), tf.tensor1d([0, 1, 0, 2], 'int32'), 3),
  depthToSpace: () => tf.depthToSpace(tf.reshape(x([1, 2, 2, 4]), [1, 2, 2, 4]) as tf.Tensor4D, 2, 'NHWC'),
};

const x = (shape: number[]) => tf.tensor(numbers(shape, 3), shape);
const ids = (shape: number[]) => tf.tensor(Int32Array.from(numbers(shape, 4, 50)), shape, 'int32');

describe('moves and picks as the cpu backend', () => {
  test.each(Object.entries(cases))('%s', async (_name, run) => {
    const under = tf.getBackend();
    const compute = () =>
      [run()].flat().map((y) => ({ shape: y.shape, dtype: y.dtype, values: Array.from(y.dataSync()) }));
    const got = compute();
    await tf.setBackend('cpu');
    let want: ReturnType<typeof compute>;
    try {
      want = compute();
    } finally {
      await tf.setBackend(under);
    }
    expect(got).toEqual(want);
  });
});
