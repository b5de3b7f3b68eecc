// The activations that a linear layer can end with, on vectors.
#pragma once

#include "../runtime/simd-math.h"
#include "gemm.h"

namespace weft::WEFT_ISA {

template <int kind>
WEFT_INLINE Vec activate(Vec x) {
  if constexpr (kind == kActRelu) return max(zero(), x);  // NaN stays NaN
  if constexpr (kind == kActGelu) {
    return x * set1(0.5f) * (set1(1.0f) + erf(x * set1(0.70710678118654752f)));
  }
  if constexpr (kind == kActGeluNew) {
    const Vec inner = set1(0.79788456080286536f) * fma(x * x * x, set1(0.044715f), x);
    return x * set1(0.5f) * (set1(1.0f) + tanh(inner));
  }
  if constexpr (kind == kActTanh) return tanh(x);
  if constexpr (kind == kActSigmoid) return sigmoid(x);
  if constexpr (kind == kActSilu) return x * sigmoid(x);
  if constexpr (kind == kActElu) return select(gt(x, zero()), x, exp(min(zero(), x)) - set1(1.0f));
  if constexpr (kind == kActRelu6) return min(set1(6.0f), max(zero(), x));
  return x;
}

template <int kind>
static void activate_row_as(float* x, int64_t n) {
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) store(x + i, activate<kind>(load(x + i)));
  if (i < n) store_n(x + i, activate<kind>(load_n(x + i, n - i)), n - i);
}

[[maybe_unused]] static void activate_row(float* x, int64_t n, int32_t kind) {
  switch (kind) {
    case kActRelu: return activate_row_as<kActRelu>(x, n);
    case kActGelu: return activate_row_as<kActGelu>(x, n);
    case kActGeluNew: return activate_row_as<kActGeluNew>(x, n);
    case kActTanh: return activate_row_as<kActTanh>(x, n);
    case kActSigmoid: return activate_row_as<kActSigmoid>(x, n);
    case kActSilu: return activate_row_as<kActSilu>(x, n);
    case kActElu: return activate_row_as<kActElu>(x, n);
    case kActRelu6: return activate_row_as<kActRelu6>(x, n);
    default: return;
  }
}

}  // namespace weft::WEFT_ISA
