import type { TensorInfo } from '@tensorflow/tfjs';
import type { CacheAppendAttrs } from '@weft/attention';
import { InputError, ShapeError } from '@weft/errors';
import type { KernelCall } from '../native/kernel.js';

/** Writes update [B, T, E] into the first B rows of cache [P, C, E] from `position` on, in place. */
export function cacheAppend({ inputs, backend, attrs }: KernelCall<CacheAppendAttrs>): TensorInfo[] {
  const { cache, update } = inputs as { cache: TensorInfo; update: TensorInfo };
  const [held, capacity, width] = cache.shape as [number, number, number];
  const [batch, length] = update.shape as [number, number, number];
  const { position } = attrs;
  if (batch > held || update.shape[2] !== width) {
    throw new ShapeError({
      operation: 'cacheAppend',
      tensor: 'update',
      expectedShape: [held, length, width],
      receivedShape: update.shape,
      remedy: 'start a new cache for another batch',
    });
  }
  if (position < 0 || position + length > capacity) {
    throw new InputError({
      operation: 'cacheAppend',
      expected: `positions within the cache's capacity of ${capacity}`,
      received: `${length} positions from ${position}`,
      remedy: 'make the cache larger, or generate fewer tokens',
    });
  }
  const to = backend.writable(cache);
  const from = backend.floats(update);
  for (let b = 0; b < batch; b++) {
    const rows = from.subarray(b * length * width, (b + 1) * length * width);
    to.set(rows, (b * capacity + position) * width);
  }
  return [];
}
