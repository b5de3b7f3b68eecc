// Softmax and log-softmax over the last axis.
#pragma once

#include <cstdint>

#include "../runtime/cpu.h"

namespace weft {

// A row that holds NaN, or no finite maximum, gives NaN, as tfjs does. y may be x.
WEFT_KERNEL(void, softmax, (const float* x, float* y, int64_t rows, int64_t width), (x, y, rows, width))
WEFT_KERNEL(void, log_softmax, (const float* x, float* y, int64_t rows, int64_t width), (x, y, rows, width))

}  // namespace weft
