// Rows of a table, and the scatter-add that is their gradient.
#pragma once

#include <cstdint>

#include "../runtime/cpu.h"

namespace weft {

// y[o, i, :] = x[o, ids[i], :] for x [outer, size, width]. Gives the place of an id outside [0, size), -1 for none;
// y then holds nothing of worth.
WEFT_KERNEL(int64_t, gather,
            (const float* x, const int32_t* ids, float* y, int64_t outer, int64_t size, int64_t width, int64_t count),
            (x, ids, y, outer, size, width, count))

// dweight [size, width] = sum of the rows of dy [count, width] by id; rows with the id `padding` (-1: none) are left
// out. Rows add up in their order, on any number of threads.
WEFT_KERNEL(int64_t, embedding_gradient,
            (const int32_t* ids, const float* dy, float* dweight, int64_t size, int64_t width, int64_t count, int64_t padding),
            (ids, dy, dweight, size, width, count, padding))

}  // namespace weft
