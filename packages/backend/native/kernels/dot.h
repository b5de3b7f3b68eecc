// The dot product of one head's query and key.
#pragma once

#include "../runtime/simd-math.h"

namespace weft::WEFT_ISA {

// Two sums side by side, so that one product need not wait for the other.
WEFT_INLINE float dot(const float* a, const float* b, int64_t n) {
  Vec x = zero(), y = zero();
  int64_t i = 0;
  for (; i + 2 * kLanes <= n; i += 2 * kLanes) {
    x = fma(load(a + i), load(b + i), x);
    y = fma(load(a + i + kLanes), load(b + i + kLanes), y);
  }
  for (; i < n; i += kLanes) {
    const int64_t left = n - i < kLanes ? n - i : kLanes;
    x = fma(load_n(a + i, left), load_n(b + i, left), x);
  }
  return sum(x + y);
}

}  // namespace weft::WEFT_ISA
