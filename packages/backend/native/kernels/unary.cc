#include "unary.h"

#include "vector-log.h"

namespace weft::WEFT_ISA {
namespace {

constexpr int64_t kGrain = 16384;

template <int kind>
WEFT_INLINE Vec apply(Vec x, Vec a, Vec b) {
  if constexpr (kind == kUnaryNeg) return neg(x);
  if constexpr (kind == kUnaryAbs) return abs(x);
  if constexpr (kind == kUnarySquare) return x * x;
  if constexpr (kind == kUnarySqrt) return sqrt(x);
  if constexpr (kind == kUnaryRsqrt) return set1(1.0f) / sqrt(x);
  if constexpr (kind == kUnaryReciprocal) return set1(1.0f) / x;
  if constexpr (kind == kUnaryExp) return exp(x);
  if constexpr (kind == kUnaryLog) return log(x);
  if constexpr (kind == kUnaryErf) return erf(x);
  if constexpr (kind == kUnaryTanh) return tanh(x);
  if constexpr (kind == kUnarySigmoid) return sigmoid(x);
  if constexpr (kind == kUnaryRelu) return max(zero(), x);
  if constexpr (kind == kUnaryRelu6) return min(set1(6.0f), max(zero(), x));
  if constexpr (kind == kUnaryElu) return select(gt(x, zero()), x, exp(min(zero(), x)) - set1(1.0f));
  if constexpr (kind == kUnaryLeakyRelu) return select(lt(x, zero()), x * a, x);
  if constexpr (kind == kUnaryStep) return select(is_nan(x), x, select(gt(x, zero()), set1(1.0f), a));
  if constexpr (kind == kUnaryFloor) return floor(x);
  if constexpr (kind == kUnaryCeil) return neg(floor(neg(x)));
  if constexpr (kind == kUnaryRound) return round(x);
  if constexpr (kind == kUnaryClip) return min(b, max(a, x));
  if constexpr (kind == kUnaryAffine) return x * a + b;
  if constexpr (kind == kUnarySign) {
    return select(gt(x, zero()), set1(1.0f), select(lt(x, zero()), set1(-1.0f), zero()));
  }
  return x;
}

template <int kind>
void run(const float* x, float* y, int64_t n, float a, float b) {
  parallel_for(n, kGrain, [=](int64_t i, int64_t end) {
    const Vec va = set1(a), vb = set1(b);
    for (; i + kLanes <= end; i += kLanes) store(y + i, apply<kind>(load(x + i), va, vb));
    if (i < end) store_n(y + i, apply<kind>(load_n(x + i, end - i), va, vb), end - i);
  });
}

}  // namespace

void unary(int32_t kind, const float* x, float* y, int64_t n, float a, float b) {
  switch (kind) {
#define WEFT_CASE(name) case name: return run<name>(x, y, n, a, b);
    WEFT_CASE(kUnaryNeg)
    WEFT_CASE(kUnaryAbs)
    WEFT_CASE(kUnarySquare)
    WEFT_CASE(kUnarySqrt)
    WEFT_CASE(kUnaryRsqrt)
    WEFT_CASE(kUnaryReciprocal)
    WEFT_CASE(kUnaryExp)
    WEFT_CASE(kUnaryLog)
    WEFT_CASE(kUnaryErf)
    WEFT_CASE(kUnaryTanh)
    WEFT_CASE(kUnarySigmoid)
    WEFT_CASE(kUnaryRelu)
    WEFT_CASE(kUnaryRelu6)
    WEFT_CASE(kUnaryElu)
    WEFT_CASE(kUnaryLeakyRelu)
    WEFT_CASE(kUnaryStep)
    WEFT_CASE(kUnaryFloor)
    WEFT_CASE(kUnaryCeil)
    WEFT_CASE(kUnaryRound)
    WEFT_CASE(kUnaryClip)
    WEFT_CASE(kUnaryAffine)
    WEFT_CASE(kUnarySign)
#undef WEFT_CASE
    default: return;
  }
}

void fill(float* y, int64_t n, float value) {
  parallel_for(n, 4 * kGrain, [=](int64_t i, int64_t end) {
    const Vec v = set1(value);
    for (; i + kLanes <= end; i += kLanes) store(y + i, v);
    if (i < end) store_n(y + i, v, end - i);
  });
}

}  // namespace weft::WEFT_ISA
