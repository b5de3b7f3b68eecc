// Layer normalisation and root-mean-square normalisation over the last axis.
#pragma once

#include <cstdint>

#include "../runtime/cpu.h"

namespace weft {

// y = (x - mean) * rstd * gamma + beta, rstd = 1 / sqrt(biased variance + epsilon), row by row.
WEFT_KERNEL(void, layer_norm,
            (const float* x, const float* gamma, const float* beta, float* y, float* mean, float* rstd, int64_t rows,
             int64_t width, float epsilon),
            (x, gamma, beta, y, mean, rstd, rows, width, epsilon))

// The bits of all three gradients do not depend on the number of threads.
WEFT_KERNEL(void, layer_norm_gradient,
            (const float* dy, const float* x, const float* gamma, const float* mean, const float* rstd, float* dx,
             float* dgamma, float* dbeta, int64_t rows, int64_t width),
            (dy, x, gamma, mean, rstd, dx, dgamma, dbeta, rows, width))

// y = x * rstd * gamma, rstd = 1 / sqrt(mean(x^2) + epsilon).
WEFT_KERNEL(void, rms_norm,
            (const float* x, const float* gamma, float* y, float* rstd, int64_t rows, int64_t width, float epsilon),
            (x, gamma, y, rstd, rows, width, epsilon))

WEFT_KERNEL(void, rms_norm_gradient,
            (const float* dy, const float* x, const float* gamma, const float* rstd, float* dx, float* dgamma,
             int64_t rows, int64_t width),
            (dy, x, gamma, rstd, dx, dgamma, rows, width))

}  // namespace weft
