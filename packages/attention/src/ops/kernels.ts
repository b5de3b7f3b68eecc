/**
 * The contract between the fused ops and the backends: for each kernel its name, its inputs by name, its
 * attributes and its outputs. A backend that registers a kernel under one of these names takes the op over;
 * everywhere else the op's composite in plain tfjs runs. Both must give the same numbers.
 *
 * Shape letters: B batch, T positions, Tq queries, Tk keys, H heads, D head size, E = H * D width,
 * V vocabulary, R rows (all leading axes flattened), N features out, K features in.
 * All tensors are float32 unless said; ids, labels and quantized weights are int32.
 */

/** Activations that `linear` can fuse; `gelu` is the erf form, `geluNew` the tanh form. */
export type Activation = 'none' | 'relu' | 'gelu' | 'geluNew' | 'tanh' | 'sigmoid' | 'silu';

/** How a two-dimensional weight is stored: `in-out` as GPT-2's Conv1D [K, N], `out-in` as nn.Linear [N, K]. */
export type WeightLayout = 'in-out' | 'out-in';

/**
 * y = activation(x W + bias).
 * in: x [..., K], weight [K, N] or [N, K], bias? [N]. out: [y [..., N]].
 * No gradient while `activation` is not 'none': the op splits the two when a tape records.
 * `reused`: nothing is being trained, so that the weight is likely to serve again as it is, and a backend may keep
 * a copy that it reads faster.
 */
export interface LinearAttrs {
  layout: WeightLayout;
  activation: Activation;
  reused: boolean;
}
export const LINEAR = 'WeftLinear';

/**
 * Several linears of one x, y_i = x W_i^T + bias_i, while a tape records.
 * in: a list: x [..., K], `count` weights [N_i, K], and as many biases [N_i] or none. out: [y_i [..., N_i]].
 */
export interface LinearsAttrs {
  count: number;
}
export const LINEARS = 'WeftLinears';
/** in: a list: `count` dy_i [..., N_i], as many weights. out: [dx [..., K]], the sum of all dy_i W_i. */
export const LINEARS_INPUT_GRAD = 'WeftLinearsInputGrad';

export interface LinearGradAttrs {
  layout: WeightLayout;
}
/** in: dy [..., N], weight. out: [dx [..., K]]. */
export const LINEAR_INPUT_GRAD = 'WeftLinearInputGrad';
/** in: dy [..., N], x [..., K]. out: [dweight [K, N] or [N, K]]. */
export const LINEAR_WEIGHT_GRAD = 'WeftLinearWeightGrad';

/** Elementwise activation. in: x. out: [y]. */
export interface ActivationAttrs {
  activation: Exclude<Activation, 'none'>;
}
export const ACTIVATION = 'WeftActivation';
/** in: x, dy. out: [dx]. Takes the activation's input, never its output. */
export const ACTIVATION_GRAD = 'WeftActivationGrad';

/** in: x [..., E], gamma [E], beta [E]. out: [y [..., E], mean [R], rstd [R]]. Biased variance. */
export interface NormAttrs {
  epsilon: number;
}
export const LAYER_NORM = 'WeftLayerNorm';
/** in: dy, x, gamma, mean, rstd. out: [dx, dgamma, dbeta]. */
export const LAYER_NORM_GRAD = 'WeftLayerNormGrad';

/** in: x [..., E], gamma [E]. out: [y [..., E], rstd [R]]; y = gamma * x * rstd, rstd = 1/sqrt(mean(x^2) + epsilon). */
export const RMS_NORM = 'WeftRmsNorm';
/** in: dy, x, gamma, rstd. out: [dx, dgamma]. */
export const RMS_NORM_GRAD = 'WeftRmsNormGrad';

/** in: x [..., E], added of its shape, gamma [E]. out: [sum = x + added, y, rstd], y and rstd as RMS_NORM's of the sum. */
export const ADD_RMS_NORM = 'WeftAddRmsNorm';
/** in: dsum, dy, sum, gamma, rstd. out: [dx, which is dadded too, dgamma]. */
export const ADD_RMS_NORM_GRAD = 'WeftAddRmsNormGrad';

/**
 * softmax(scale * q k^T + bias, masked) v, without holding [Tq, Tk].
 *
 * in: query [B, Tq, H * D], key [B, C, Hk * D], value [B, C, Hk * Dv], heads side by side in the last axis
 * (as a linear gives them: nothing is transposed). Hk divides H: query head h reads key head
 * floor(h * Hk / H). Only the first `keyLength` of the C key positions exist (C is a cache's capacity;
 * without a cache keyLength = C); Tk = keyLength.
 * keyPaddingMask? [B, Tk] (1 keep, 0 hide; float32 or int32), bias? [1 or B, 1 or H, Tq, Tk], added after the scale.
 * `causal`: query i sees key j where j <= i + keyLength - Tq.
 * A key that causality hides never counts. A key that the padding mask hides counts as the lowest finite
 * float32, so that a row whose keys are all hidden is their mean, never NaN: that of the keys that causality
 * lets it see. With no such key at all (keyLength < Tq) the row is zero.
 * Dropout acts on the probabilities: element index ((b * H + h) * Tq + i) * Tk + j of the counter-based mask
 * (see `dropout`), kept ones scaled by 1 / (1 - rate).
 *
 * out: [y [B, Tq, H * Dv], logSumExp [B, H, Tq]].
 */
export interface AttentionAttrs {
  numHeads: number;
  numKeyHeads: number;
  scale: number;
  causal: boolean;
  keyLength: number;
  dropout: DropoutAttrs;
}
export const ATTENTION = 'WeftAttention';
/**
 * in: dy, query, key, value, y, logSumExp, keyPaddingMask?, bias?. Attributes as forward.
 * out: [dquery, dkey, dvalue], and dbias (of bias's own shape) where bias is given.
 */
export const ATTENTION_GRAD = 'WeftAttentionGrad';

/**
 * Writes update [B, T, E] into the first B rows of cache [P, C, E] at positions [position, position + T), in place.
 * in: cache, update. out: []. Only for tensors that a cache object owns alone.
 */
export interface CacheAppendAttrs {
  position: number;
}
export const CACHE_APPEND = 'WeftCacheAppend';

/**
 * One new position a row through the blocks of a decoder with a normalisation before each part, its keys and values
 * written into the caches in place; no gradient. Block by block h = x + project(attention(..norm(x)..)), h = h + the same
 * over the memory, y = h + down(f(norm(h))), f(x) = activation(up(x)) or activation(gate(x)) * up(x). Self-attention as in
 * ATTENTION over the position + 1 keys, or as in BEAM_ATTENTION where `rows` are given.
 * in: x [B, 1, E], keyPaddingMask? [B, position + 1], memoryPaddingMask? [S, Tk], positionBias? [1, H, 1, position + 1],
 * rows? int32 [B, position + 1], and lists: keys and values [P, C, A], memoryKeys and memoryValues [S, Tk, A] (none
 * without a memory), one a block; norms, gamma and beta [E] of self-attention, cross-attention and the feed-forward part,
 * six a block; weights, weightScales and biases of query (or [E, 3A]: query, key and value), key, value, project,
 * cross-attention's query and project, gate, up and down, nine a block. What is absent is undefined in its place; a norm
 * without beta is RMS_NORM. A weight with weightScales is int8 as in QUANTIZED_LINEAR. out: [y [B, 1, E]].
 */
export interface DecoderStepAttrs {
  numHeads: number;
  /** Of each block's scores. */
  scales: readonly number[];
  epsilon: number;
  activation: Activation;
  position: number;
  /** F, the width of the feed-forward part. */
  inner: number;
  /** Of each weight. */
  layouts: readonly (WeightLayout | undefined)[];
}
export const DECODER_STEP = 'WeftDecoderStep';

/**
 * Attention of one position a row over a cache whose rows share their pasts; no gradient.
 * in: query [R, 1, H * D], key [P, C, H * D], value [P, C, H * D], rows int32 [R, keyLength] (position t of row r lies
 * in row rows[r, t] of key and value; numbers outside [0, P) are refused), bias? [1, H, 1, keyLength].
 * out: [y [R, 1, H * D]] = softmax(scale * q k^T + bias) v, head by head.
 */
export interface BeamAttentionAttrs {
  numHeads: number;
  scale: number;
  keyLength: number;
}
export const BEAM_ATTENTION = 'WeftBeamAttention';

/**
 * The likeliest tokens of each row. in: logits [R, V]. out: [tokens int32 [R, count], logProbabilities [R, count]],
 * falling, the first of equals first; each is float32((logit - max) - float32(log(sum(exp(logit - max))))).
 */
export interface TopTokensAttrs {
  count: number;
}
export const TOP_TOKENS = 'WeftTopTokens';

/**
 * The token with the greatest logit, the first of equals: arg max of LINEAR's states W^T + bias, to the bit.
 * in: states [R, E], weight [V, E], bias? [V]. out: [tokens int32 [R]].
 */
export const LIKELIEST_TOKEN = 'WeftLikeliestToken';

/** Rows of a table. in: weight [V, E], ids int32 [...]. out: [y [..., E]]. Ids outside [0, V) are refused. */
export const EMBEDDING = 'WeftEmbedding';
/** Scatter-add. in: ids int32 [...], dy [..., E]. out: [dweight [vocabSize, E]]. */
export interface EmbeddingGradAttrs {
  vocabSize: number;
  /** Rows with this id get no gradient, as PyTorch's padding_idx; -1 for none. */
  paddingIndex: number;
}
export const EMBEDDING_GRAD = 'WeftEmbeddingGrad';

/**
 * Cross entropy of integer labels straight from logits.
 * in: logits [R, V], labels int32 [R]. out: [loss scalar, logSumExp [R]].
 * A row's loss is (1 - e) * (lse - x[label]) + e * (lse - mean(x)), e = labelSmoothing; rows whose label is
 * ignoreIndex count nothing. `sum` adds up; `mean` divides by the number of rows that count (NaN when none
 * does, as PyTorch has it).
 */
export interface CrossEntropyAttrs {
  ignoreIndex: number;
  labelSmoothing: number;
  reduction: 'mean' | 'sum';
}
export const CROSS_ENTROPY = 'WeftCrossEntropy';
/** in: logits, labels, logSumExp, dy scalar. out: [dlogits [R, V]]. */
export const CROSS_ENTROPY_GRAD = 'WeftCrossEntropyGrad';

/**
 * The last layer and its loss in one, never the whole of the logits: hidden W^T (+ bias), then cross entropy.
 * in: hidden [R, E], weight [V, E], labels int32 [R], bias? [V].
 * out: [loss scalar] when computeGradients is false, else [loss, dhidden [R, E], dweight [V, E]] and dbias [V]
 * where bias is given: the gradients for dy = 1.
 */
export interface LinearCrossEntropyAttrs extends CrossEntropyAttrs {
  computeGradients: boolean;
}
export const LINEAR_CROSS_ENTROPY = 'WeftLinearCrossEntropy';

/**
 * Counter-based dropout (Philox4x32-10): element i is word i mod 4 of the block with key (seed mod 2^32,
 * floor(seed / 2^32)) and counter (floor(i / 4) mod 2^32, floor(i / 2^34), offset mod 2^32,
 * floor(offset / 2^32)). It is kept where word >= round(rate * 2^32), and scaled by 1 / (1 - rate).
 * The gradient is the same kernel on dy. in: x. out: [y].
 */
export interface DropoutAttrs {
  rate: number;
  seed: number;
  offset: number;
}
export const DROPOUT = 'WeftDropout';

/**
 * One AdamW step over all parameters, in place, as torch.optim.AdamW:
 * g = gradientScale * gradient; p -= lr * wd * p; m = b1 m + (1-b1) g; v = b2 v + (1-b2) g^2;
 * p -= lr / (1 - b1^step) * m / (sqrt(v) / sqrt(1 - b2^step) + epsilon).
 * in: parameter0.., gradient0.., mean0.., variance0.. (all four numbered alike). out: [].
 */
export interface AdamWAttrs {
  learningRate: number[];
  weightDecay: number[];
  beta1: number;
  beta2: number;
  epsilon: number;
  /** From 1. */
  step: number;
  gradientScale: number;
}
export const ADAMW = 'WeftAdamW';

/** Euclidean norm of all gradients together. in: gradient0... out: [norm scalar]. */
export const GLOBAL_NORM = 'WeftGlobalNorm';

/** sum += addend, in place, for gradient accumulation. in: sum0.., addend0... out: []. */
export const ACCUMULATE = 'WeftAccumulate';

/**
 * Weight-only int8 linear for decoding. in: x [..., K], quantized int32 [N, K / 4] (four int8 an element,
 * lowest byte first, along K), scales [N, K / groupSize], bias? [N]. out: [y [..., N]].
 * The weight is scale * int8; groupSize divides K and is a multiple of 4.
 */
export interface QuantizedLinearAttrs {
  groupSize: number;
  activation: Activation;
}
export const QUANTIZED_LINEAR = 'WeftQuantizedLinear';

/**
 * The int8 weight that QUANTIZED_LINEAR reads: each group over its largest magnitude / 127, rounded to nearest.
 * in: weight [N, K]. out: [quantized int32 [N, K / 4], scales [N, K / groupSize]].
 */
export interface QuantizeWeightAttrs {
  groupSize: number;
}
export const QUANTIZE_WEIGHT = 'WeftQuantizeWeight';
