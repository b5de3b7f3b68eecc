export {
  Dropout,
  Embedding,
  type EmbeddingLayerOptions,
  forwardAll,
  LayerNorm,
  Linear,
  type LinearLayerOptions,
  RmsNorm,
} from './layers/basic.js';
export {
  type BlockOptions,
  DecoderBlock,
  type DecoderInputs,
  EncoderBlock,
  type EncoderInputs,
} from './layers/blocks.js';
export { FeedForward, type FeedForwardOptions } from './layers/feed-forward.js';
export { type IdRows, idTensor, shiftRight } from './layers/ids.js';
export { Int8Copy } from './layers/int8-copy.js';
export {
  type CachedKeysAndValues,
  KeyValueCache,
  type KeyValueCacheOptions,
} from './layers/key-value-cache.js';
export { causalMask, lengthMask, maskBias } from './layers/masks.js';
export {
  type KeysAndValues,
  MultiHeadAttention,
  type MultiHeadAttentionInputs,
  type MultiHeadAttentionOptions,
} from './layers/multi-head-attention.js';
export {
  type RelativeBuckets,
  RelativePositionBias,
  type RelativePositionBiasOptions,
  relativePositionBucket,
  sinusoidalPositions,
} from './layers/positions.js';
export { SelfAttention } from './layers/self-attention.js';
export {
  Transformer,
  type TransformerInputs,
  type TransformerMemory,
  type TransformerOptions,
  type TransformerOutputs,
} from './layers/transformer.js';
export { TransformerDecoding } from './layers/transformer-decoding.js';
export {
  type Initializer,
  linearDefault,
  normal,
  ones,
  type RandomNumbers,
  uniform,
  xavierUniform,
  zeros,
} from './module/initializers.js';
export { Module } from './module/module.js';
export { type ParameterSource, Scope } from './module/scope.js';
export {
  randomNumbers,
  randomSource,
  type WeightReader,
  type WeightsSource,
  type WeightsSourceOptions,
  weightsSource,
} from './module/sources.js';
export { activation } from './ops/activation.js';
export { type AttentionInputs, attentionWithWeights, scaledDotProductAttention } from './ops/attention.js';
export { type BeamAttentionInputs, beamAttention, hasBeamAttention } from './ops/beam-attention.js';
export { type CrossEntropyOptions, crossEntropy } from './ops/cross-entropy.js';
export {
  type DecoderStepInputs,
  decoderStep,
  hasDecoderStep,
  type StepBlock,
  type StepLinear,
  type StepNorm,
} from './ops/decoder-step.js';
export { hasKernel, isRecording, runFused } from './ops/dispatch.js';
export { DropoutState, dropout, dropoutState, noDropout } from './ops/dropout.js';
export { type EmbeddingOptions, embedding } from './ops/embedding.js';
export { gradientCheckpoint } from './ops/gradient-checkpoint.js';
export type {
  Activation,
  ActivationAttrs,
  AdamWAttrs,
  AttentionAttrs,
  BeamAttentionAttrs,
  CacheAppendAttrs,
  CrossEntropyAttrs,
  DecoderStepAttrs,
  DropoutAttrs,
  EmbeddingGradAttrs,
  LinearAttrs,
  LinearCrossEntropyAttrs,
  LinearGradAttrs,
  LinearsAttrs,
  NormAttrs,
  QuantizedLinearAttrs,
  QuantizeWeightAttrs,
  TopTokensAttrs,
  WeightLayout,
} from './ops/kernels.js';
export * as kernels from './ops/kernels.js';
export { layerNorm } from './ops/layer-norm.js';
export { likeliestToken } from './ops/likeliest-token.js';
export { type LinearOptions, linear } from './ops/linear.js';
export { linearCrossEntropy } from './ops/linear-cross-entropy.js';
export { type LinearParameters, linears } from './ops/linears.js';
export { type AdamWState, accumulate, adamW, clipScale, globalNorm } from './ops/optimizer.js';
export { dropoutMultipliers, philoxBlock } from './ops/philox.js';
export { dequantize, type QuantizedWeight, quantizedLinear, quantizeWeight } from './ops/quantized-linear.js';
export { addRmsNorm, rmsNorm } from './ops/rms-norm.js';
export { type TopTokens, topTokens } from './ops/top-tokens.js';
