// Reductions over the middle axis of [outer, size, inner].
#pragma once

#include <cstdint>

#include "../runtime/cpu.h"

namespace weft {

enum ReduceKind : int32_t { kReduceSum = 0, kReduceMean = 1, kReduceMax = 2, kReduceMin = 3, kReduceProd = 4 };

// y[outer, inner]. NaN anywhere gives NaN. Over no elements: 0, NaN, -infinity, infinity, 1. The bits do not depend on
// the number of threads.
WEFT_KERNEL(void, reduce, (int32_t kind, const float* x, float* y, int64_t outer, int64_t size, int64_t inner),
            (kind, x, y, outer, size, inner))

}  // namespace weft
