import tf = require('@tensorflow/tfjs');

import type { IdRows } from '@weft/attention';
import { InputError } from '@weft/errors';

/** Numbers of a batch: rows of one length, or a tensor [B, T]. */
export type Rows = IdRows;

/** Ids and what belongs to them. */
export interface EncoderInputs {
  inputIds: Rows;
  /** 1 where a token counts, 0 for padding; [B, T]. Default: all count. */
  attentionMask?: Rows;
  /** 0 in the first text, 1 in the second; [B, T]. Default: all 0. */
  tokenTypeIds?: Rows;
  /** [B, T]. Default: as the family numbers them. */
  positionIds?: Rows;
  outputHiddenStates?: boolean;
  outputAttentions?: boolean;
  /** Run each layer again in the backward pass instead of keeping its activations. */
  gradientCheckpointing?: boolean;
}

/** Which tokens a head looks at. */
export interface AskedTokens {
  /**
   * The last layer computes the first token alone, and `lastHiddenState` is [B, 1, E]; where hidden states or
   * attentions are asked for, all are computed. Default: false.
   */
  firstTokenOnly?: boolean;
}

export interface EncoderOutputs {
  /** [B, T, E], or [B, 1, E] where `firstTokenOnly` asked for no more */
  lastHiddenState: tf.Tensor3D;
  /** [B, E], from the first token; only of models that have a pooler */
  poolerOutput?: tf.Tensor2D;
  /** The embeddings, then each layer's output: tensors [B, T, E] */
  hiddenStates?: tf.Tensor3D[];
  /** Each layer's probabilities [B, H, T, T] */
  attentions?: tf.Tensor4D[];
}

/** Frees what is made on the way; what the function returns, in fields and arrays too, stays. */
export const tidy = <T extends object>(compute: () => T): T =>
  tf.tidy(() => compute() as T & tf.TensorContainer);

/** Refuses texts that are longer than a model has positions for. */
export function checkLength(operation: string, length: number, limit: number): void {
  if (length <= limit) return;
  throw new InputError({
    operation,
    expected: `at most ${limit} tokens`,
    received: String(length),
    remedy: `truncate: encodeBatch(texts, { truncation: true, maxLength: ${limit} })`,
  });
}

/** The first token of each row: [B, T, E] -> [B, 1, E] */
export function firstTokens(hidden: tf.Tensor): tf.Tensor3D {
  const [batch, , width] = hidden.shape as [number, number, number];
  return tf.slice(hidden as tf.Tensor3D, [0, 0, 0], [batch, 1, width]);
}

/** The same as rows: [B, T, E] -> [B, E] */
export function firstToken(hidden: tf.Tensor): tf.Tensor2D {
  const [batch, , width] = hidden.shape as [number, number, number];
  return firstTokens(hidden).reshape([batch, width]);
}
