import type { TensorInfo } from '@tensorflow/tfjs';
import type { NormAttrs } from '@weft/attention';
import type { KernelCall } from '../native/kernel.js';
import type { NativeBackend } from '../native/native-backend.js';
import { rowsAndWidth } from './sizes.js';

type Tensors = Record<string, TensorInfo>;

/** [y, mean, rstd] */
export function layerNorm({ inputs, backend, attrs }: KernelCall<NormAttrs>): TensorInfo[] {
  const { x, gamma, beta } = inputs as Tensors;
  const { rows, width } = rowsAndWidth(x!);
  const [y, mean, rstd] = [backend.output(x!.shape), backend.output([rows]), backend.output([rows])];
  const [xs, gs, bs] = [backend.floats(x!), backend.floats(gamma!), backend.floats(beta!)];
  backend.addon.layerNorm(xs, gs, bs, y.values, mean.values, rstd.values, rows, width, attrs.epsilon);
  return [y, mean, rstd];
}

/** [dx, dgamma, dbeta] */
export function layerNormGrad({ inputs, backend }: KernelCall<NormAttrs>): TensorInfo[] {
  const { dy, x, gamma, mean, rstd } = inputs as Tensors;
  const { rows, width } = rowsAndWidth(x!);
  const [dx, dgamma, dbeta] = [backend.output(x!.shape), backend.output([width]), backend.output([width])];
  backend.addon.layerNormGradient(
    backend.floats(dy!),
    backend.floats(x!),
    backend.floats(gamma!),
    backend.floats(mean!),
    backend.floats(rstd!),
    dx.values,
    dgamma.values,
    dbeta.values,
    rows,
    width,
  );
  return [dx, dgamma, dbeta];
}

/** [y, rstd] */
export function rmsNorm({ inputs, backend, attrs }: KernelCall<NormAttrs>): TensorInfo[] {
  const { x, gamma } = inputs as Tensors;
  const { rows, width } = rowsAndWidth(x!);
  const [y, rstd] = [backend.output(x!.shape), backend.output([rows])];
  const [xs, gs] = [backend.floats(x!), backend.floats(gamma!)];
  backend.addon.rmsNorm(xs, gs, y.values, rstd.values, rows, width, attrs.epsilon);
  return [y, rstd];
}

/** [dx, dgamma] */
export function rmsNormGrad({ inputs, backend }: KernelCall<NormAttrs>): TensorInfo[] {
  const { dy, x, gamma, rstd } = inputs as Tensors;
  const { rows, width } = rowsAndWidth(x!);
  const [dx, dgamma] = [backend.output(x!.shape), backend.output([width])];
  backend.addon.rmsNormGradient(
    backend.floats(dy!),
    backend.floats(x!),
    backend.floats(gamma!),
    backend.floats(rstd!),
    dx.values,
    dgamma.values,
    rows,
    width,
  );
  return [dx, dgamma];
}

/** [sum, y, rstd] */
export function addRmsNorm({ inputs, backend, attrs }: KernelCall<NormAttrs>): TensorInfo[] {
  const { x, added, gamma } = inputs as Tensors;
  const sum = backend.output(x!.shape);
  addInto(backend, sum.values, x!, added!);
  return [sum, ...rmsNorm({ inputs: { x: sum, gamma: gamma! }, backend, attrs })];
}

/** [dx, dgamma] */
export function addRmsNormGrad({ inputs, backend, attrs }: KernelCall<NormAttrs>): TensorInfo[] {
  const { dsum, dy, sum, gamma, rstd } = inputs as Tensors;
  const given = { dy: dy!, x: sum!, gamma: gamma!, rstd: rstd! };
  const [dx, dgamma] = rmsNormGrad({ inputs: given, backend, attrs }) as [TensorInfo, TensorInfo];
  addInto(backend, backend.floats(dx), dx, dsum!);
  return [dx, dgamma];
}

function addInto(backend: NativeBackend, to: Float32Array, a: TensorInfo, b: TensorInfo): void {
  backend.addon.binary(0, backend.floats(a), backend.floats(b), to, 1, to.length, 0, 1, 0, 1);
}
