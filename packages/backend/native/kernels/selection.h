// The largest values and their places.
#pragma once

#include <cstdint>

#include "../runtime/cpu.h"

namespace weft {

// For each of `rows` rows of `columns`: the index of the largest value, the first of equals; as tfjs's cpu backend has
// it, a NaN never wins, and a row that begins with NaN gives 0.
WEFT_KERNEL(void, arg_max, (const float* x, int32_t* index, int64_t rows, int64_t columns), (x, index, rows, columns))

// The k largest of each row in falling order, equals in the order of their places, with their places. No NaN in x.
WEFT_KERNEL(void, top_k, (const float* x, float* values, int32_t* indices, int64_t rows, int64_t columns, int64_t k),
            (x, values, indices, rows, columns, k))

// True where any of n values is NaN.
WEFT_KERNEL(bool, has_nan, (const float* x, int64_t n), (x, n))

}  // namespace weft
