// What an optimizer does with all parameters at once.
#pragma once

#include <cstdint>

#include "../runtime/arrays.h"
#include "../runtime/cpu.h"

namespace weft {

// One AdamW step, in place, as torch.optim.AdamW; `rate` and `decay` have one number for each array.
WEFT_KERNEL(void, adam_w,
            (const FloatArrays& parameters, const FloatArrays& gradients, const FloatArrays& means, const FloatArrays& variances,
             const double* rate, const double* decay, double beta1, double beta2, double epsilon, double step,
             double gradient_scale),
            (parameters, gradients, means, variances, rate, decay, beta1, beta2, epsilon, step, gradient_scale))

// The Euclidean norm of all arrays together. The bits do not depend on the number of threads.
WEFT_KERNEL(double, global_norm, (const FloatArrays& arrays), (arrays))

// sums += addends.
WEFT_KERNEL(void, accumulate, (const FloatArrays& sums, const FloatArrays& addends), (sums, addends))

}  // namespace weft
