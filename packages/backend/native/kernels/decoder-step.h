// One new position a row through the blocks of a decoder with layer normalisation before each part: all their kernels in one
// call. What JavaScript does between calls finds its caches full of weights each time, and takes a tenth of a token's time.
#pragma once

#include <cstdint>

#include "../runtime/arrays.h"
#include "../runtime/cpu.h"

namespace weft {

// Block by block: h = x + project(attention(join(norm1(x)))), y = h + down(activation(up(norm2(h)))).
//
// x, y [rows, width]. Of each block `keys` and `values` hold a buffer [rows or more, capacity, width], whose position
// `position` is written, and `scales` the factor of its scores. padding [rows, position + 1], 0 hides, or null. `norms` holds
// four arrays a block: gamma and beta of the first, then of the second. Likewise `weights` and `biases` for the linears
// join [3 * width], project [width], up [inner], down [width]: weights [in, out] where the linear's group is 0, else
// its int8 scales, and the int8 weight in `quantized` (see quantized_linear). Activations as in gemm.h. The bits are those of
// the kernels one by one.
WEFT_KERNEL(void, decoder_step,
            (const float* x, const FloatArrays& keys, const FloatArrays& values, const float* padding, float* y,
             const FloatArrays& norms, const FloatArrays& weights, const FloatArrays& biases, const IntArrays& quantized,
             const int32_t* groups, const float* scales, int64_t rows, int64_t width, int64_t inner, int64_t heads,
             int64_t capacity, int64_t position, float epsilon, int32_t activation),
            (x, keys, values, padding, y, norms, weights, biases, quantized, groups, scales, rows, width, inner, heads,
             capacity, position, epsilon, activation))

}  // namespace weft
