// Elementwise activations and their gradients.
#pragma once

#include <cstdint>

#include "../runtime/cpu.h"
#include "gemm.h"

namespace weft {

// y = activation(x); kinds as in gemm.h. y may be x.
WEFT_KERNEL(void, activation_forward, (const float* x, float* y, int64_t n, int32_t kind), (x, y, n, kind))

// dx = dy * activation'(x). dx may be dy.
WEFT_KERNEL(void, activation_gradient, (const float* x, const float* dy, float* dx, int64_t n, int32_t kind),
            (x, dy, dx, n, kind))

}  // namespace weft
