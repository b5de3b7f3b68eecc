/**
 * What encoder-decoders of all families give, and what goes through their layers. B batch, S source positions, T target
 * positions, E width, H heads.
 */
import type * as tf from '@tensorflow/tfjs';
import type { KeysAndValues, KeyValueCache } from '@weft/attention';

/** What the base model gives, which has no head. */
export interface Seq2SeqOutputs {
  /** Of the decoder, [B, T, E] */
  lastHiddenState: tf.Tensor3D;
  /** [B, S, E] */
  encoderLastHiddenState: tf.Tensor3D;
  /** Layers + 1 tensors [B, S, E] */
  encoderHiddenStates?: tf.Tensor3D[];
  /** One a layer, [B, H, S, S] */
  encoderAttentions?: tf.Tensor4D[];
  /** Layers + 1 tensors [B, T, E] */
  decoderHiddenStates?: tf.Tensor3D[];
  /** One a layer, [B, H, T, T] */
  decoderAttentions?: tf.Tensor4D[];
  /** One a layer, [B, H, T, S] */
  crossAttentions?: tf.Tensor4D[];
}

/** What goes through a stack's layers beside the hidden states. */
export interface Seq2SeqLayerInputs {
  /** [B, Tk], 1 keep, 0 hide */
  keyPaddingMask?: tf.Tensor;
  cache?: KeyValueCache;
  /**
   * Decoders only: keys and values of the encoder's states for each layer, and which of them count. There may be fewer
   * rows than hidden states: then as many of those, side by side, look at each.
   */
  memory?: (layer: number) => KeysAndValues;
  memoryPaddingMask?: tf.Tensor;
  /** Run each layer again in the backward pass instead of keeping its activations. */
  gradientCheckpointing?: boolean;
  /** Collect the probabilities of each layer. */
  attentions?: tf.Tensor[];
  crossAttentions?: tf.Tensor[];
}
