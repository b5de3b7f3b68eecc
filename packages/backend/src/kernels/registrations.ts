import type { KernelConfig } from '@tensorflow/tfjs';
import { kernels } from '@weft/attention';
import { kernel } from '../native/kernel.js';
import { activation, activationGrad } from './activation.js';
import { attention, attentionGrad } from './attention.js';
import { beamAttention, topTokens } from './beam-search.js';
import { addN, binary, binaryNames, comparison, comparisonNames, select } from './binary.js';
import { cacheAppend } from './cache-append.js';
import { cast } from './cast.js';
import { crossEntropy, crossEntropyGrad, linearCrossEntropy } from './cross-entropy.js';
import { decoderStep } from './decoder-step.js';
import { dropout } from './dropout.js';
import { fill, fillLike } from './fill.js';
import { embedding, embeddingGrad, gatherV2 } from './gather.js';
import { likeliestToken } from './likeliest-token.js';
import { linear } from './linear.js';
import { linearInputGrad, linearWeightGrad } from './linear-grad.js';
import { linears, linearsInputGrad } from './linears.js';
import { batchMatMul, fusedMatMul } from './mat-mul.js';
import { addRmsNorm, addRmsNormGrad, layerNorm, layerNormGrad, rmsNorm, rmsNormGrad } from './norm.js';
import { accumulate, adamW, globalNorm } from './optimizer.js';
import { quantizedLinear, quantizeWeight } from './quantized-linear.js';
import { concat, expandDims, pack, padV2, slice, splitV, tile, transpose } from './rearrange.js';
import { reduce, reduceNames } from './reduce.js';
import { argMax, topK } from './selection.js';
import { softmax } from './softmax.js';
import { unary, unaryNames } from './unary.js';

/** Every kernel that runs in C++, by the name under which tfjs or weft calls it. */
export const registrations: KernelConfig[] = [
  kernel('BatchMatMul', batchMatMul),
  kernel('_FusedMatMul', fusedMatMul),
  kernel('ArgMax', argMax),
  kernel('TopK', topK),
  ...unaryNames.map((name) => kernel(name, unary(name))),
  ...binaryNames.map((name) => kernel(name, binary(name))),
  ...comparisonNames.map((name) => kernel(name, comparison(name))),
  ...reduceNames.map((name) => kernel(name, reduce(name))),
  kernel('AddN', addN),
  kernel('Select', select),
  kernel('Softmax', softmax),
  kernel('Cast', cast),
  kernel('Fill', fill),
  kernel('ZerosLike', fillLike('ZerosLike')),
  kernel('OnesLike', fillLike('OnesLike')),
  kernel('GatherV2', gatherV2),
  kernel('Transpose', transpose),
  kernel('Slice', slice),
  kernel('SplitV', splitV),
  kernel('Concat', concat),
  kernel('Pack', pack),
  kernel('PadV2', padV2),
  kernel('Tile', tile),
  kernel('ExpandDims', expandDims),

  kernel(kernels.LINEAR, linear),
  kernel(kernels.LINEARS, linears),
  kernel(kernels.LINEARS_INPUT_GRAD, linearsInputGrad),
  kernel(kernels.LINEAR_INPUT_GRAD, linearInputGrad),
  kernel(kernels.LINEAR_WEIGHT_GRAD, linearWeightGrad),
  kernel(kernels.QUANTIZED_LINEAR, quantizedLinear),
  kernel(kernels.QUANTIZE_WEIGHT, quantizeWeight),
  kernel(kernels.ACTIVATION, activation),
  kernel(kernels.ACTIVATION_GRAD, activationGrad),
  kernel(kernels.LAYER_NORM, layerNorm),
  kernel(kernels.LAYER_NORM_GRAD, layerNormGrad),
  kernel(kernels.RMS_NORM, rmsNorm),
  kernel(kernels.RMS_NORM_GRAD, rmsNormGrad),
  kernel(kernels.ADD_RMS_NORM, addRmsNorm),
  kernel(kernels.ADD_RMS_NORM_GRAD, addRmsNormGrad),
  kernel(kernels.ATTENTION, attention),
  kernel(kernels.ATTENTION_GRAD, attentionGrad),
  kernel(kernels.CACHE_APPEND, cacheAppend),
  kernel(kernels.DECODER_STEP, decoderStep),
  kernel(kernels.BEAM_ATTENTION, beamAttention),
  kernel(kernels.TOP_TOKENS, topTokens),
  kernel(kernels.LIKELIEST_TOKEN, likeliestToken),
  kernel(kernels.EMBEDDING, embedding),
  kernel(kernels.EMBEDDING_GRAD, embeddingGrad),
  kernel(kernels.CROSS_ENTROPY, crossEntropy),
  kernel(kernels.CROSS_ENTROPY_GRAD, crossEntropyGrad),
  kernel(kernels.LINEAR_CROSS_ENTROPY, linearCrossEntropy),
  kernel(kernels.DROPOUT, dropout),
  kernel(kernels.ADAMW, adamW),
  kernel(kernels.GLOBAL_NORM, globalNorm),
  kernel(kernels.ACCUMULATE, accumulate),
];
