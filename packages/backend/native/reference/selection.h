#pragma once

#include <cstdint>

namespace weft::reference {

// As kernels/selection.h: one comparison after the other.
void arg_max(const float* x, int32_t* index, int64_t rows, int64_t columns);
void top_k(const float* x, float* values, int32_t* indices, int64_t rows, int64_t columns, int64_t k);

}  // namespace weft::reference
