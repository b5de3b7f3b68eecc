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

}  // namespace weft
