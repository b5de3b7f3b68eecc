// One new position a row through a decoder block with layer normalisation before each part: all its kernels in one call,
// since between calls from JavaScript a small matrix waits longer than it takes to read.
#pragma once

#include <cstdint>

#include "../runtime/arrays.h"
#include "../runtime/cpu.h"

namespace weft {

// h = x + project(attention(join(norm1(x)))), y = h + down(activation(up(norm2(h)))).
//
// x, y [rows, width]. key, value [rows or more, capacity, width], whose position `position` is written. padding [rows,
// position + 1], 0 hides, or null. norms: gamma and beta of the first, then of the second. The four linears in the order
// join [3 * width], project [width], up [inner], down [width]: weights [in, out] where `group` is 0, else their int8 scales,
// and the int8 weights in quantized0 to 3 (see quantized_linear). Activations as in gemm.h. The bits are those of the
// kernels one by one.
WEFT_KERNEL(void, decoder_step,
            (const float* x, float* key, float* value, const float* padding, float* y, const FloatArrays& norms,
             const FloatArrays& weights, const FloatArrays& biases, const int32_t* quantized0, const int32_t* quantized1,
             const int32_t* quantized2, const int32_t* quantized3, int64_t rows, int64_t width, int64_t inner,
             int64_t heads, int64_t capacity, int64_t position, int64_t group, double scale, float epsilon,
             int32_t activation),
            (x, key, value, padding, y, norms, weights, biases, quantized0, quantized1, quantized2, quantized3, rows, width,
             inner, heads, capacity, position, group, scale, epsilon, activation))

}  // namespace weft
