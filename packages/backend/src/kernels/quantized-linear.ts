import type { TensorInfo } from '@tensorflow/tfjs';
import type { QuantizedLinearAttrs, QuantizeWeightAttrs } from '@weft/attention';
import type { KernelCall } from '../native/kernel.js';
import { activationKind } from './activation-kind.js';

/** Linear with an int8 weight: see the contract of the fused kernels. */
export function quantizedLinear({ inputs, backend, attrs }: KernelCall<QuantizedLinearAttrs>): TensorInfo {
  const { x, quantized, scales, bias } = inputs as {
    x: TensorInfo;
    quantized: TensorInfo;
    scales: TensorInfo;
    bias?: TensorInfo;
  };
  const k = x.shape.at(-1)!;
  const n = quantized.shape[0]!;
  const shape = [...x.shape.slice(0, -1), n];
  const y = backend.output(shape);
  backend.addon.quantizedLinear(
    n === 0 ? 0 : y.values.length / n,
    n,
    k,
    attrs.groupSize,
    backend.floats(x),
    backend.ints(quantized),
    backend.floats(scales),
    bias === undefined ? null : backend.floats(bias),
    y.values,
    activationKind(attrs.activation)!,
  );
  return y;
}

/** [quantized [N, K / 4], scales [N, K / groupSize]] */
export function quantizeWeight({ inputs, backend, attrs }: KernelCall<QuantizeWeightAttrs>): TensorInfo[] {
  const weight = inputs.weight!;
  const [n, k] = weight.shape as [number, number];
  const { groupSize } = attrs;
  const quantized = backend.output([n, k / 4], 'int32');
  const scales = backend.output([n, k / groupSize]);
  backend.addon.quantizeWeight(n, k, groupSize, backend.floats(weight), quantized.values, scales.values);
  return [quantized, scales];
}
