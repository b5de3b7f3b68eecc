#include "activation.h"

#include "activate.h"

namespace weft::WEFT_ISA {
namespace {

constexpr int64_t kGrain = 16384;

template <int kind>
WEFT_INLINE Vec derivative(Vec x) {
  const Vec one = set1(1.0f), half = set1(0.5f);
  if constexpr (kind == kActRelu) return select(gt(x, zero()), one, zero());
  if constexpr (kind == kActGelu) {
    const Vec density = exp(x * x * set1(-0.5f)) * set1(0.39894228040143268f);
    const Vec cumulative = half * (one + erf(x * set1(0.70710678118654752f)));
    // Far out the density is zero, but x may be infinite.
    return fma(select(gt(abs(x), set1(40.0f)), zero(), x), density, cumulative);
  }
  if constexpr (kind == kActGeluNew) {
    const Vec square = x * x;
    const Vec t = tanh(set1(0.79788456080286536f) * fma(square * x, set1(0.044715f), x));
    const Vec inner = set1(0.79788456080286536f) * fma(square, set1(3 * 0.044715f), one);
    const Vec slope = select(gt(abs(x), set1(40.0f)), zero(), half * x * (one - t * t) * inner);
    return fma(half, one + t, slope);
  }
  if constexpr (kind == kActTanh) {
    const Vec t = tanh(x);
    return one - t * t;
  }
  if constexpr (kind == kActSigmoid) {
    const Vec s = sigmoid(x);
    return s * (one - s);
  }
  if constexpr (kind == kActSilu) {
    const Vec s = sigmoid(x);
    return s * fma(x, one - s, one);
  }
  return one;
}

template <int kind>
void forward(const float* x, float* y, int64_t n) {
  parallel_for(n, kGrain, [=](int64_t i, int64_t end) {
    for (; i + kLanes <= end; i += kLanes) store(y + i, activate<kind>(load(x + i)));
    if (i < end) store_n(y + i, activate<kind>(load_n(x + i, end - i)), end - i);
  });
}

template <int kind>
void gradient(const float* x, const float* dy, float* dx, int64_t n) {
  parallel_for(n, kGrain, [=](int64_t i, int64_t end) {
    for (; i + kLanes <= end; i += kLanes) store(dx + i, load(dy + i) * derivative<kind>(load(x + i)));
    if (i < end) store_n(dx + i, load_n(dy + i, end - i) * derivative<kind>(load_n(x + i, end - i)), end - i);
  });
}

}  // namespace

void activation_forward(const float* x, float* y, int64_t n, int32_t kind) {
  switch (kind) {
    case kActRelu: return forward<kActRelu>(x, y, n);
    case kActGelu: return forward<kActGelu>(x, y, n);
    case kActGeluNew: return forward<kActGeluNew>(x, y, n);
    case kActTanh: return forward<kActTanh>(x, y, n);
    case kActSigmoid: return forward<kActSigmoid>(x, y, n);
    case kActSilu: return forward<kActSilu>(x, y, n);
    default: return forward<kActNone>(x, y, n);
  }
}

void activation_gradient(const float* x, const float* dy, float* dx, int64_t n, int32_t kind) {
  switch (kind) {
    case kActRelu: return gradient<kActRelu>(x, dy, dx, n);
    case kActGelu: return gradient<kActGelu>(x, dy, dx, n);
    case kActGeluNew: return gradient<kActGeluNew>(x, dy, dx, n);
    case kActTanh: return gradient<kActTanh>(x, dy, dx, n);
    case kActSigmoid: return gradient<kActSigmoid>(x, dy, dx, n);
    case kActSilu: return gradient<kActSilu>(x, dy, dx, n);
    default: return gradient<kActNone>(x, dy, dx, n);
  }
}

}  // namespace weft::WEFT_ISA
