import { type HubOptions, openWeights } from '@weft/checkpoint';
import { CheckpointError } from '@weft/errors';
import type { T5ForConditionalGeneration } from './conditional-generation.js';

const HEAD = 'lm_head.weight';

/**
 * A head that the configuration ties to the shared table is not read; where the file has one of its own, the
 * configuration is another model's and every answer would be wrong.
 *
 * @throws CheckpointError
 */
export async function checkTie(
  model: T5ForConditionalGeneration,
  source: string,
  options: HubOptions,
): Promise<void> {
  if (model.lm_head) return;
  using weights = await openWeights(source, options);
  if (!weights.has(HEAD)) return;
  const head = weights.readFloat32(HEAD);
  const shared = model.shared.weight.dataSync();
  if (head.length === shared.length && head.every((value, i) => value === shared[i])) return;
  throw new CheckpointError({
    operation: 'T5ForConditionalGeneration.fromPretrained',
    expected: `${HEAD} equal to shared.weight, since tie_word_embeddings is true`,
    received: 'another one',
    remedy:
      'for a model of v1.1 or Flan set tie_word_embeddings to false in config.json or in the option config',
    file: source,
    keys: [HEAD],
  });
}

/** Says what to do where an untied head is looked for in a file of a tied model. */
export function explainMissingHead(error: unknown, source: string): unknown {
  if (!(error instanceof CheckpointError) || !error.keys.includes(HEAD) || error.keys.length > 1)
    return error;
  return new CheckpointError({
    operation: error.operation,
    expected: `${HEAD}, since tie_word_embeddings is false`,
    received: 'a file without it',
    remedy: 'for a model of v1.0 set tie_word_embeddings to true in config.json or in the option config',
    file: source,
    keys: [HEAD],
    cause: error,
  });
}
