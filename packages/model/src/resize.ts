import tf = require('@tensorflow/tfjs');

import type { Module } from '@weft/attention';
import { ConfigError, InputError } from '@weft/errors';

/** Gives every parameter that a pattern matches another first axis; tied ones stay tied. */
export function resizeVocabulary(
  model: Module,
  size: number,
  patterns: readonly RegExp[],
  architecture: string,
): void {
  if (!Number.isInteger(size) || size < 1) {
    throw new InputError({
      operation: 'resizeTokenEmbeddings',
      expected: 'a whole number of tokens, at least 1',
      received: String(size),
      remedy: 'pass the length of the tokenizer',
    });
  }
  const replaced = new Map<tf.Variable, tf.Variable>();
  for (const [prefix, module] of model.namedModules()) {
    for (const [field, value] of Object.entries(module) as [string, unknown][]) {
      if (!(value instanceof tf.Variable)) continue;
      const key = prefix === '' ? field : `${prefix}.${field}`;
      if (!replaced.has(value)) {
        if (!patterns.some((pattern) => pattern.test(key))) continue;
        replaced.set(value, resized(value, size));
      }
      Object.assign(module, { [field]: replaced.get(value) });
    }
  }
  if (replaced.size === 0) {
    throw new ConfigError({
      operation: 'resizeTokenEmbeddings',
      expected: "a family whose key map names the vocabulary's parameters",
      received: architecture,
      remedy: 'add `vocabulary` patterns to its key map',
    });
  }
  for (const old of replaced.keys()) old.dispose();
}

function resized(old: tf.Variable, size: number): tf.Variable {
  return tf.tidy(() => {
    const rows = old.shape[0]!;
    const kept = tf.slice(old, 0, Math.min(rows, size));
    if (size <= rows) return tf.variable(kept, old.trainable);
    const added = tf.tile(tf.mean(old, 0, true), [size - rows, ...old.shape.slice(1).map(() => 1)]);
    return tf.variable(tf.concat([kept, added], 0), old.trainable);
  });
}
