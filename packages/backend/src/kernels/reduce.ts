import type { TensorInfo } from '@tensorflow/tfjs';

import tf = require('@tensorflow/tfjs');

import { type KernelCall, type NativeKernel, runOnCpu } from '../native/kernel.js';
import type { NativeBackend } from '../native/native-backend.js';

/** The numbers of native/kernels/reduce.h, by the kernels' names in tfjs. */
const kinds = { Sum: 0, Mean: 1, Max: 2, Min: 3, Prod: 4 } as const;

export type ReduceName = keyof typeof kinds;
export const reduceNames = Object.keys(kinds) as ReduceName[];

interface ReduceAttrs {
  /** `reductionIndices` in the kernel Max. */
  axis?: number | number[];
  reductionIndices?: number | number[];
  keepDims: boolean;
}

/** Axes in a row that are all kept or all reduced, as one. */
interface Group {
  size: number;
  reduced: boolean;
}

function groupsOf(shape: number[], axes: number[]): Group[] {
  const groups: Group[] = [];
  for (let axis = 0; axis < shape.length; axis++) {
    const reduced = axes.includes(axis);
    const last = groups.at(-1);
    if (last?.reduced === reduced) last.size *= shape[axis]!;
    else groups.push({ size: shape[axis]!, reduced });
  }
  return groups;
}

/** A reduction of tfjs over any axes; other types than float32 run on the cpu kernel. */
export function reduce(name: ReduceName): NativeKernel<ReduceAttrs> {
  return (call: KernelCall<ReduceAttrs>): TensorInfo | TensorInfo[] => {
    const { backend, attrs } = call;
    const x = call.inputs.x!;
    if (x.dtype !== 'float32') return runOnCpu(name, call);
    // No axis at all stands for every axis.
    const axes = tf.util.parseAxisParam((attrs.reductionIndices ?? attrs.axis) as number[], x.shape);
    const [kept] = tf.backend_util.computeOutAndReduceShapes(x.shape, axes);
    const shape = attrs.keepDims ? tf.backend_util.expandShapeToKeepDim(kept, axes) : kept;
    const groups = groupsOf(x.shape, axes);
    const passes = groups.filter(({ reduced }) => reduced).length;
    const y = backend.output(shape);
    if (passes === 0) {
      y.values.set(backend.floats(x));
      return y;
    }
    runPasses(backend, kinds[name], groups, passes, backend.floats(x), y.values);
    return y;
  };
}

/** One reduced group at a time, from the last to the first; what lies between goes to passing tensors. */
function runPasses(
  backend: NativeBackend,
  kind: number,
  groups: Group[],
  passes: number,
  x: Float32Array,
  y: Float32Array,
): void {
  let from = x;
  const passing: TensorInfo[] = [];
  for (let pass = 1; pass <= passes; pass++) {
    const at = groups.findLastIndex(({ reduced }) => reduced);
    const outer = groups.slice(0, at).reduce((size, group) => size * group.size, 1);
    const inner = groups.slice(at + 1).reduce((size, group) => size * group.size, 1);
    let to = y;
    if (pass < passes) {
      const between = backend.output([outer, inner]);
      passing.push(between);
      to = between.values;
    }
    backend.addon.reduce(kind, from, to, outer, groups[at]!.size, inner);
    groups[at] = { size: 1, reduced: false };
    from = to;
  }
  for (const { dataId } of passing) backend.disposeData(dataId);
}
