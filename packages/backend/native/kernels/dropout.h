// Dropout with a counter-based mask.
#pragma once

#include <cstdint>

#include "../runtime/cpu.h"

namespace weft {

// y = x times the multipliers of Philox4x32-10: element i is word i mod 4 of the block with key `seed` and counter
// (i / 4, offset); it is kept where the word >= round(rate * 2^32), and scaled by 1 / (1 - rate). y may be x.
WEFT_KERNEL(void, dropout, (const float* x, float* y, int64_t n, double rate, double seed, double offset),
            (x, y, n, rate, seed, offset))

}  // namespace weft
