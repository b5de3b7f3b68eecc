// Loops that do nothing but what they measure: the machine's limits, which the other kernels are told against.
#pragma once

#include <cstdint>

#include "../runtime/cpu.h"

namespace weft {

// Multiply-adds of values that stay in registers, `rounds` times on every thread. Gives the number of operations done
// by all threads together, a multiply-add counted as two.
WEFT_KERNEL(double, fma_peak, (int64_t rounds), (rounds))

// Copies n floats.
WEFT_KERNEL(void, copy_peak, (const float* from, float* to, int64_t n), (from, to, n))

// Reads n floats; gives something that depends on all of them.
WEFT_KERNEL(float, read_peak, (const float* from, int64_t n), (from, n))

}  // namespace weft
