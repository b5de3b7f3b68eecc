/** Classes: their names in a configuration, and their scores. */
import { setImmediate as yieldToEvents } from 'node:timers/promises';

import tf = require('@tensorflow/tfjs');

import type { BatchEncoding } from '@weft/tokenizer';
import type { Parts } from './call.js';
import { type ModelConfig, padRows } from './encode.js';
import type { SequenceClassifier } from './models.js';

/** What turns a model's numbers into scores. */
export type Activation = 'softmax' | 'sigmoid' | 'none';

/** The names of a model's classes in order; LABEL_0 and LABEL_1 where the configuration names none. */
export function labelsOf(config: ModelConfig): string[] {
  const named = config.id2label as Record<string, string> | undefined;
  if (!named) return ['LABEL_0', 'LABEL_1'];
  return Object.keys(named)
    .sort((a, b) => Number(a) - Number(b))
    .map((id) => named[id]!);
}

export function labelOf(config: ModelConfig, id: number): string {
  const named = config.id2label as Record<string, string> | undefined;
  return named?.[String(id)] ?? `LABEL_${id}`;
}

/** Scores of one row of numbers. */
export function activate(logits: ArrayLike<number>, activation: Activation): Float64Array {
  const scores = Float64Array.from(logits);
  if (activation === 'softmax') return softmax(scores);
  return activation === 'sigmoid' ? scores.map((x) => 1 / (1 + Math.exp(-x))) : scores;
}

/** Probabilities of numbers, in place. */
export function softmax(scores: Float64Array): Float64Array {
  let most = Number.NEGATIVE_INFINITY;
  for (const score of scores) most = Math.max(most, score);
  let sum = 0;
  for (let i = 0; i < scores.length; i++) {
    scores[i] = Math.exp(scores[i]! - most);
    sum += scores[i]!;
  }
  for (let i = 0; i < scores.length; i++) scores[i] = scores[i]! / sum;
  return scores;
}

/** The rows of a matrix of any rank, the last axis a row, as views of one array. */
export function rowsOf(values: Float32Array, width: number): Float32Array[] {
  return Array.from({ length: values.length / width }, (_, i) => values.subarray(i * width, (i + 1) * width));
}

/** Runs a model whose outputs are read at once and freed. */
export async function readOutputs<const K extends string>(
  forward: () => { readonly [name in K]: tf.Tensor },
  names: readonly K[],
): Promise<Float32Array[]> {
  const outputs = tf.tidy(() => {
    const all = forward();
    return names.map((name) => all[name]);
  });
  try {
    const values = await Promise.all(outputs.map((output) => output.data()));
    // Timers, sockets and signals have their turn between two batches.
    await yieldToEvents();
    return values as Float32Array[];
  } finally {
    tf.dispose(outputs);
  }
}

/** The numbers of a sequence classifier, one row a text. */
export async function logitRows(
  { model, tokenizer }: Parts<SequenceClassifier>,
  { inputIds, tokenTypeIds }: BatchEncoding,
): Promise<Float32Array[]> {
  const width = labelsOf(model.config).length;
  const padTokenId = tokenizer.padTokenId ?? (model.config.pad_token_id as number | undefined);
  // A classifier on the last token cannot tell padding apart without a token for it.
  const canPad =
    padTokenId !== undefined && (model.config.model_type !== 'gpt2' || model.config.pad_token_id != null);
  const batches = canPad ? [inputIds.map((_, i) => i)] : inputIds.map((_, i) => [i]);
  const rows: Float32Array[] = [];
  for (const batch of batches) {
    const inputs = padRows(
      {
        inputIds: batch.map((i) => inputIds[i]!),
        tokenTypeIds: tokenTypeIds && batch.map((i) => tokenTypeIds[i]!),
      },
      padTokenId,
    );
    const [logits] = await readOutputs(() => model.forward(inputs), ['logits']);
    rows.push(...rowsOf(logits!, width));
  }
  return rows;
}
