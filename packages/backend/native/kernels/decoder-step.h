// One new position a row through the blocks of a decoder with a normalisation before each part: all their kernels in one
// call. What JavaScript does between calls finds its caches full of weights each time, and takes a tenth to a fifth of a
// token's time.
#pragma once

#include <cstdint>

#include "../runtime/arrays.h"
#include "../runtime/cpu.h"

namespace weft {

// Places in a block's linears. kStepQuery gives [rows, attention], or keys and values behind it, [rows, 3 * attention],
// where kStepKey is absent; kStepGate is absent where the feed-forward part is not gated; the two of cross-attention are
// where there is no memory.
enum StepLinear : int32_t {
  kStepQuery = 0,
  kStepKey = 1,
  kStepValue = 2,
  kStepProject = 3,
  kStepCrossQuery = 4,
  kStepCrossProject = 5,
  kStepGate = 6,
  kStepUp = 7,
  kStepDown = 8,
  kStepLinears = 9,
};
// How a linear's weight is stored; a number above 0 is the group of an int8 weight, whose scales stand for the weight.
constexpr int32_t kStoredInOut = 0, kStoredOutIn = -1, kStoredPacked = -2;
// Normalisations of a block: before self-attention, cross-attention and the feed-forward part. One without beta is
// root-mean-square normalisation.
constexpr int64_t kStepNorms = 3;

struct StepSizes {
  int64_t rows, width, attention, inner, heads;
  // Of the caches: their rows, the positions that there is room for, and the one that is written.
  int64_t held, capacity, position;
  // Of the memory: its rows, each of which rows / memory_rows rows of x look at, and its positions.
  int64_t memory_rows, memory_length;
};

// Block by block: h = x + project(attention(..norm(x)..)), h = h + the same over the memory, y = h + down(f(norm(h))), where
// f(x) = activation(up(x)), or activation(gate(x)) * up(x).
//
// x, y [rows, width]. Of each block `keys` and `values` hold a buffer [held, capacity, attention], whose position `position`
// is written, and `scales` the factor of its scores. padding [rows, position + 1], 0 hides, or null. bias [heads, position +
// 1] of the scores, or null. table [rows, position + 1], which row of the buffers holds each position, or null for its own.
// memory_keys and memory_values [memory_rows, memory_length, attention] a block, or no arrays; memory_padding [memory_rows,
// memory_length], or null. norms: gamma and beta, kStepNorms pairs a block; weights, biases, stored (null and anything for
// absent ones) and `quantized` (int8 weights as in quantized_linear): kStepLinears a block. Activations as in gemm.h.
//
// The bits are those of the kernels one by one. Gives the place of a number in the table that is no row, as
// beam_attention does, else -1.
WEFT_KERNEL(int64_t, decoder_step,
            (const StepSizes& sizes, const float* x, float* y, const FloatArrays& keys, const FloatArrays& values,
             const FloatArrays& memory_keys, const FloatArrays& memory_values, const float* padding,
             const float* memory_padding, const float* bias, const int32_t* table, const FloatArrays& norms,
             const FloatArrays& weights, const FloatArrays& biases, const IntArrays& quantized, const int32_t* stored,
             const float* scales, float epsilon, int32_t activation),
            (sizes, x, y, keys, values, memory_keys, memory_values, padding, memory_padding, bias, table, norms, weights,
             biases, quantized, stored, scales, epsilon, activation))

}  // namespace weft
