// Linear with an int8 weight.
#pragma once

#include <cstdint>

#include "../runtime/cpu.h"

namespace weft {

// y[m, n] = activation(sum_k x[m, k] * scales[n, k / group] * weight[n, k] + bias[n]).
// `weight` holds int8 [n, k]; `group` divides k. `bias` may be null; kinds of activation as in gemm.h.
// The bits do not depend on the number of threads.
WEFT_KERNEL(void, quantized_linear,
            (int64_t m, int64_t n, int64_t k, int64_t group, const float* x, const int32_t* weight, const float* scales,
             const float* bias, float* y, int32_t activation),
            (m, n, k, group, x, weight, scales, bias, y, activation))

// A weight [n, k] in int8, symmetric: each `group` of inputs of a row over its largest magnitude / 127, rounded to nearest
// (halves upwards). `group` divides k; a group that holds no finite largest magnitude becomes zeros.
WEFT_KERNEL(void, quantize_weight,
            (int64_t n, int64_t k, int64_t group, const float* weight, int32_t* quantized, float* scales),
            (n, k, group, weight, quantized, scales))

}  // namespace weft
