import type { Fixture, FixtureTensor } from '@weft/testing';
import type { Module } from '../src/module/module.js';
import type { ParameterSource } from '../src/module/scope.js';
import { weightsSource } from '../src/module/sources.js';

export type Weights = Record<string, FixtureTensor>;

const parts = ['q_proj', 'k_proj', 'v_proj'];

/** Cuts a tensor into three along its first axis. */
function thirds({ data, shape }: FixtureTensor): FixtureTensor[] {
  const size = data.length / 3;
  return parts.map((_, i) => ({
    shape: [shape[0]! / 3, ...shape.slice(1)],
    data: data.slice(i * size, (i + 1) * size),
  }));
}

/**
 * The tensors of a fixture under a prefix, in weft's keys: torch.nn.MultiheadAttention keeps queries, keys and
 * values in one `in_proj_weight`, or in `q_proj_weight` and so on where their inputs differ in width.
 */
export function torchWeights(
  fixture: Fixture,
  prefix: string,
  rename: (key: string) => string = (key) => key,
): Weights {
  const weights: Weights = {};
  for (const [name, tensor] of Object.entries(fixture.tensors)) {
    if (!name.startsWith(prefix)) continue;
    const key = rename(name.slice(prefix.length));
    const packed = /^(.*?)in_proj_(weight|bias)$/.exec(key);
    if (packed) {
      for (const [i, part] of thirds(tensor).entries())
        weights[`${packed[1]}${parts[i]}.${packed[2]}`] = part;
    } else weights[key.replace(/([qkv]_proj)_weight$/, '$1.weight')] = tensor;
  }
  return weights;
}

/** Builds a module from such weights; fails where a key or a shape differs. */
export function build<M extends Module>(weights: Weights, make: (source: ParameterSource) => M): M {
  const source = weightsSource({
    names: () => Object.keys(weights),
    shape: (name) => weights[name]?.shape,
    read: (name) => weights[name]!.data as Float32Array,
  });
  const module = make(source);
  const { unexpected } = source.finish();
  if (unexpected.length > 0) throw new Error(`not used: ${unexpected.join(', ')}`);
  return module;
}
