import tf = require('@tensorflow/tfjs');

import { gradientCheckpoint, idTensor, type Module } from '@weft/attention';
import type { AskedTokens, EncoderInputs, EncoderOutputs } from './inputs.js';

/** What goes through the layers beside the hidden states. */
export interface LayerInputs extends AskedTokens {
  /** [B, T], 1 keep, 0 hide */
  keyPaddingMask?: tf.Tensor;
  /** Collects the probabilities [B, H, T, T] of each layer. */
  attentions?: tf.Tensor[];
}

interface EncoderLayer extends Module {
  /** [B, T, E] -> [B, T, E], or [B, 1, E] where only the first token is asked for */
  forward(x: tf.Tensor, inputs: LayerInputs): tf.Tensor;
}

/** From the embeddings [B, T, E] through all layers, to all that `inputs` asks for. */
export function runLayers(
  layers: readonly EncoderLayer[],
  embeddings: tf.Tensor,
  inputs: EncoderInputs,
  asked: AskedTokens = {},
): EncoderOutputs {
  let hidden = embeddings; // [B, T, E]
  const hiddenStates = [hidden];
  const attentions: tf.Tensor[] = [];
  const passed: LayerInputs = {
    ...(inputs.attentionMask ? { keyPaddingMask: idTensor(inputs.attentionMask, 'attentionMask') } : {}),
    ...(inputs.outputAttentions ? { attentions } : {}),
  };
  const firstTokenOnly =
    asked.firstTokenOnly === true && !inputs.outputHiddenStates && !inputs.outputAttentions;
  layers.forEach((layer, i) => {
    const last = i === layers.length - 1;
    const own: LayerInputs = last && firstTokenOnly ? { ...passed, firstTokenOnly } : passed;
    const run = (): tf.Tensor => layer.forward(hidden, own); // [B, T, E]
    // What a layer leaves behind is freed before the next one runs; probabilities must outlive it.
    if (inputs.gradientCheckpointing) hidden = checkpointed(layer, hidden, own);
    else hidden = inputs.outputAttentions ? run() : tf.tidy(run);
    hiddenStates.push(hidden);
  });
  return {
    lastHiddenState: hidden as tf.Tensor3D,
    ...(inputs.outputHiddenStates ? { hiddenStates: hiddenStates as tf.Tensor3D[] } : {}),
    ...(inputs.outputAttentions ? { attentions: attentions as tf.Tensor4D[] } : {}),
  };
}

/** A layer whose activations are computed again when its gradient is; its attentions are not collected. */
function checkpointed(
  layer: EncoderLayer,
  x: tf.Tensor,
  { keyPaddingMask, firstTokenOnly = false }: LayerInputs,
): tf.Tensor {
  const forward = (hidden: tf.Tensor, mask?: tf.Tensor): tf.Tensor =>
    layer.forward(hidden, { firstTokenOnly, ...(mask ? { keyPaddingMask: mask } : {}) });
  return gradientCheckpoint(forward, keyPaddingMask ? [x, keyPaddingMask] : [x], layer.parameters());
}
