// From one element type to another.
#pragma once

#include <cstdint>

#include "../runtime/cpu.h"

namespace weft {

WEFT_KERNEL(void, int_to_float, (const int32_t* x, float* y, int64_t n), (x, y, n))
// Towards zero; NaN and what does not fit become what JavaScript's Int32Array makes of them.
WEFT_KERNEL(void, float_to_int, (const float* x, int32_t* y, int64_t n), (x, y, n))
WEFT_KERNEL(void, byte_to_float, (const uint8_t* x, float* y, int64_t n), (x, y, n))
WEFT_KERNEL(void, byte_to_int, (const uint8_t* x, int32_t* y, int64_t n), (x, y, n))
// 1 where x is not zero (NaN is not).
WEFT_KERNEL(void, float_to_bool, (const float* x, uint8_t* y, int64_t n), (x, y, n))
WEFT_KERNEL(void, int_to_bool, (const int32_t* x, uint8_t* y, int64_t n), (x, y, n))
WEFT_KERNEL(void, half_to_floats, (const uint16_t* x, float* y, int64_t n), (x, y, n))
WEFT_KERNEL(void, bfloat_to_floats, (const uint16_t* x, float* y, int64_t n), (x, y, n))

}  // namespace weft
