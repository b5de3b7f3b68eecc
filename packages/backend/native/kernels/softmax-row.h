// Maximum and sum of exponentials of a row, as softmax and cross entropy need them.
#pragma once

#include "../runtime/simd-math.h"

namespace weft::WEFT_ISA {

// The largest of n > 0 numbers; any number where one of them is NaN.
WEFT_INLINE float row_max(const float* x, int64_t n) {
  if (n < kLanes) {
    float best = x[0];
    for (int64_t i = 1; i < n; ++i) best = best > x[i] ? best : x[i];
    return best;
  }
  Vec a = load(x), b = a, c = a, d = a;
  int64_t i = kLanes;
  for (; i + 4 * kLanes <= n; i += 4 * kLanes) {
    a = max(a, load(x + i));
    b = max(b, load(x + i + kLanes));
    c = max(c, load(x + i + 2 * kLanes));
    d = max(d, load(x + i + 3 * kLanes));
  }
  for (; i + kLanes <= n; i += kLanes) a = max(a, load(x + i));
  // The last vector may overlap with what has been seen.
  return hmax(max(max(max(a, b), max(c, d)), load(x + n - kLanes)));
}

// sum(exp(x - shift)); the exponentials go to y where it is given (y may be x).
template <bool keep>
WEFT_INLINE float exp_sum(const float* x, float* y, int64_t n, float shift) {
  const Vec s = set1(shift);
  Vec a = zero(), b = zero();
  int64_t i = 0;
  for (; i + 2 * kLanes <= n; i += 2 * kLanes) {
    const Vec e = exp(load(x + i) - s), f = exp(load(x + i + kLanes) - s);
    if (keep) {
      store(y + i, e);
      store(y + i + kLanes, f);
    }
    a += e;
    b += f;
  }
  float total = 0;
  for (; i < n; i += kLanes) {
    const int64_t left = n - i < kLanes ? n - i : kLanes;
    float tail[kLanes];
    store(tail, exp(load_n(x + i, left) - s));
    for (int64_t j = 0; j < left; ++j) {
      if (keep) y[i + j] = tail[j];
      total += tail[j];
    }
  }
  return total + sum(a + b);
}

// The maximum and the sum of exponentials above it, in one pass over memory.
WEFT_INLINE void log_sum_exp_parts(const float* x, int64_t n, float* maximum, double* total) {
  constexpr int64_t kChunk = 2048;
  float best = 0;
  double sum_of = 0;
  for (int64_t i = 0; i < n; i += kChunk) {
    const int64_t count = n - i < kChunk ? n - i : kChunk;
    const float here = row_max(x + i, count);
    if (i == 0) {
      best = here;
    } else if (here > best) {
      sum_of *= __builtin_exp(static_cast<double>(best) - here);
      best = here;
    }
    // Minus infinity alone so far: nothing to add up yet, but NaN must not be lost.
    const float shift = best == -__builtin_inff() ? 0.0f : best;
    sum_of += exp_sum<false>(x + i, nullptr, count, shift);
  }
  *maximum = best;
  *total = sum_of;
}

}  // namespace weft::WEFT_ISA
