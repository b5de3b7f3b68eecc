// Data that move without being changed: transposition, slices, concatenation, padding, tiles. Elements have four
// bytes and may be of any such type.
#pragma once

#include <cstdint>

#include "../runtime/cpu.h"

namespace weft {

// y[i0, i1, ..] = x[x_offset + sum(i * x_stride)] stored at y[y_offset + sum(i * y_stride)]. `layout` holds the sizes,
// then the strides of x (0: repeated), then those of y.
WEFT_KERNEL(void, copy_strided,
            (const float* x, float* y, const int32_t* layout, int32_t rank, int64_t x_offset, int64_t y_offset),
            (x, y, layout, rank, x_offset, y_offset))

}  // namespace weft
