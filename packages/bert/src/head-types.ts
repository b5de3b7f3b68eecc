/** What the heads of all families take and give, and the small steps that they share. */
import tf = require('@tensorflow/tfjs');

import { Dropout } from '@weft/attention';
import type { EncoderConfig } from './config.js';
import type { EncoderInputs, EncoderOutputs, Rows } from './inputs.js';
import type { ClassLabels, LossOptions } from './losses.js';

/** What every head gives beside its own. */
export interface HeadOutputs extends Pick<EncoderOutputs, 'hiddenStates' | 'attentions'> {
  /** Scalar; present when labels are given. */
  loss?: tf.Scalar;
}

export interface MaskedLMInputs extends EncoderInputs, LossOptions {
  /** [B, T]: the ids under the mask, -100 elsewhere */
  labels?: Rows;
  /** Default: true. Without logits only the masked positions go through the last layer. */
  outputLogits?: boolean;
}
export interface MaskedLMOutputs extends HeadOutputs {
  /** [B, T, V]; present unless `outputLogits` is false. */
  logits?: tf.Tensor3D;
}
export type WithLogits<O extends { logits?: tf.Tensor }> = O & { logits: NonNullable<O['logits']> };

export interface ClassificationInputs extends EncoderInputs, LossOptions {
  /** A class each [B]; a number each [B] for regression; [B, N] of 0 and 1 where several classes may hold. */
  labels?: ClassLabels;
}
export interface ClassificationOutputs extends HeadOutputs {
  /** [B, N] */
  logits: tf.Tensor2D;
}

export interface TokenClassificationInputs extends EncoderInputs, LossOptions {
  /** [B, T], -100 for tokens that do not count */
  labels?: Rows;
}
export interface TokenClassificationOutputs extends HeadOutputs {
  /** [B, T, N] */
  logits: tf.Tensor3D;
}

export interface QuestionAnsweringInputs extends EncoderInputs {
  /** [B]: the first and the last token of each answer; a position beyond the text counts nothing */
  startPositions?: ClassLabels;
  endPositions?: ClassLabels;
}
export interface QuestionAnsweringOutputs extends HeadOutputs {
  /** [B, T] */
  startLogits: tf.Tensor2D;
  /** [B, T] */
  endLogits: tf.Tensor2D;
}

/** Rows [B, C, T], C choices for each of B questions. */
export type ChoiceRows = readonly (readonly (readonly number[])[])[] | tf.Tensor3D;
export interface MultipleChoiceInputs extends LossOptions {
  inputIds: ChoiceRows;
  attentionMask?: ChoiceRows;
  tokenTypeIds?: ChoiceRows;
  /** [B]: which choice is right */
  labels?: ClassLabels;
}

/** What an encoder gave beside its hidden states. */
export const extras = ({ hiddenStates, attentions }: EncoderOutputs): HeadOutputs => ({
  ...(hiddenStates ? { hiddenStates } : {}),
  ...(attentions ? { attentions } : {}),
});

/** The dropout before a classifier. */
export const classifierDropout = (config: EncoderConfig): Dropout =>
  new Dropout(config.classifier_dropout ?? config.hidden_dropout_prob);

/** [B, T, 2] -> the answers' first and last tokens, each [B, T] */
export function splitSpan(logits: tf.Tensor): { startLogits: tf.Tensor2D; endLogits: tf.Tensor2D } {
  const [batch, length] = logits.shape as [number, number];
  const [start, end] = tf.split(logits, 2, -1); // [B, T, 1] each
  return {
    startLogits: start!.reshape([batch, length]),
    endLogits: end!.reshape([batch, length]),
  };
}

/** [B, C, T] -> [B * C, T], and C */
export function flattenChoices(inputs: MultipleChoiceInputs): { rows: EncoderInputs; choices: number } {
  const { inputIds, attentionMask, tokenTypeIds } = inputs;
  const flat = (given: ChoiceRows): Rows =>
    given instanceof tf.Tensor ? given.reshape([-1, given.shape[2]]) : given.flat();
  const choices = inputIds instanceof tf.Tensor ? inputIds.shape[1] : (inputIds[0]?.length ?? 0);
  const rows = {
    inputIds: flat(inputIds),
    ...(attentionMask ? { attentionMask: flat(attentionMask) } : {}),
    ...(tokenTypeIds ? { tokenTypeIds: flat(tokenTypeIds) } : {}),
  };
  return { rows, choices };
}
