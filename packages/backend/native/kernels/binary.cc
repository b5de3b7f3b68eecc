#include "binary.h"

#include "../runtime/simd.h"

namespace weft::WEFT_ISA {
namespace {

constexpr int64_t kGrain = 16384;

template <int kind>
WEFT_INLINE Vec apply(Vec a, Vec b) {
  if constexpr (kind == kBinaryAdd) return a + b;
  if constexpr (kind == kBinarySub) return a - b;
  if constexpr (kind == kBinaryMul) return a * b;
  if constexpr (kind == kBinaryDiv) return a / b;
  if constexpr (kind == kBinaryMaximum) return select(is_nan(a), a, max(a, b));
  if constexpr (kind == kBinaryMinimum) return select(is_nan(a), a, min(a, b));
  if constexpr (kind == kBinarySquaredDifference) {
    const Vec d = a - b;
    return d * d;
  }
  return a;
}

template <bool one>
WEFT_INLINE Vec whole(const float* p, int64_t i) {
  if constexpr (one) return load(p + i);
  return set1(p[0]);
}
template <bool one>
WEFT_INLINE Vec part(const float* p, int64_t i, int64_t n) {
  if constexpr (one) return load_n(p + i, n);
  return set1(p[0]);
}

template <int kind, bool a_one, bool b_one>
WEFT_INLINE void row(const float* a, const float* b, float* y, int64_t i, int64_t end) {
  for (; i + kLanes <= end; i += kLanes) store(y + i, apply<kind>(whole<a_one>(a, i), whole<b_one>(b, i)));
  if (i < end) store_n(y + i, apply<kind>(part<a_one>(a, i, end - i), part<b_one>(b, i, end - i)), end - i);
}

struct Layout {
  int64_t outer, inner, a_outer, b_outer;
};

template <int kind, bool a_one, bool b_one>
void plane(const float* a, const float* b, float* y, const Layout& l) {
  if (l.outer == 1) {
    parallel_for(l.inner, kGrain, [=](int64_t begin, int64_t end) { row<kind, a_one, b_one>(a, b, y, begin, end); });
    return;
  }
  parallel_for(l.outer, kGrain / (l.inner + 1) + 1, [=](int64_t begin, int64_t end) {
    for (int64_t o = begin; o < end; ++o) row<kind, a_one, b_one>(a + o * l.a_outer, b + o * l.b_outer, y + o * l.inner, 0, l.inner);
  });
}

template <int kind>
void run(const float* a, const float* b, float* y, const Layout& l, bool a_one, bool b_one) {
  if (a_one && b_one) return plane<kind, true, true>(a, b, y, l);
  if (a_one) return plane<kind, true, false>(a, b, y, l);
  if (b_one) return plane<kind, false, true>(a, b, y, l);
  return plane<kind, false, false>(a, b, y, l);
}

template <int kind>
WEFT_INLINE bool holds(float a, float b) {
  if constexpr (kind == kCompareEqual) return a == b;
  if constexpr (kind == kCompareNotEqual) return a != b;
  if constexpr (kind == kCompareLess) return a < b;
  if constexpr (kind == kCompareLessEqual) return a <= b;
  if constexpr (kind == kCompareGreater) return a > b;
  return a >= b;
}

template <int kind>
void run_compare(const float* a, const float* b, uint8_t* y, const Layout& l, int64_t a_inner, int64_t b_inner) {
  parallel_for(l.outer, kGrain / (l.inner + 1) + 1, [=](int64_t begin, int64_t end) {
    for (int64_t o = begin; o < end; ++o) {
      const float* const x = a + o * l.a_outer;
      const float* const z = b + o * l.b_outer;
      uint8_t* const to = y + o * l.inner;
      for (int64_t i = 0; i < l.inner; ++i) to[i] = holds<kind>(x[i * a_inner], z[i * b_inner]);
    }
  });
}

}  // namespace

void binary(int32_t kind, const float* a, const float* b, float* y, int64_t outer, int64_t inner, int64_t a_outer,
            int64_t a_inner, int64_t b_outer, int64_t b_inner) {
  const Layout l{outer, inner, a_outer, b_outer};
  const bool a_one = a_inner != 0, b_one = b_inner != 0;
  switch (kind) {
    case kBinaryAdd: return run<kBinaryAdd>(a, b, y, l, a_one, b_one);
    case kBinarySub: return run<kBinarySub>(a, b, y, l, a_one, b_one);
    case kBinaryMul: return run<kBinaryMul>(a, b, y, l, a_one, b_one);
    case kBinaryDiv: return run<kBinaryDiv>(a, b, y, l, a_one, b_one);
    case kBinaryMaximum: return run<kBinaryMaximum>(a, b, y, l, a_one, b_one);
    case kBinaryMinimum: return run<kBinaryMinimum>(a, b, y, l, a_one, b_one);
    case kBinarySquaredDifference: return run<kBinarySquaredDifference>(a, b, y, l, a_one, b_one);
    default: return;
  }
}

void binary_broadcast(int32_t kind, const float* a, const float* b, float* y, const int32_t* layout, int32_t rank) {
  const int32_t* const size = layout;
  const int32_t* const as = layout + rank;
  const int32_t* const bs = layout + 2 * rank;
  int64_t planes = 1;
  for (int32_t d = 0; d + 2 < rank; ++d) planes *= size[d];
  const int64_t outer = size[rank - 2], inner = size[rank - 1];
  for (int64_t p = 0; p < planes; ++p) {
    int64_t rest = p, at_a = 0, at_b = 0;
    for (int32_t d = rank - 3; d >= 0; --d) {
      at_a += rest % size[d] * as[d];
      at_b += rest % size[d] * bs[d];
      rest /= size[d];
    }
    WEFT_ISA::binary(kind, a + at_a, b + at_b, y + p * outer * inner, outer, inner, as[rank - 2], as[rank - 1], bs[rank - 2],
                     bs[rank - 1]);
  }
}

void compare(int32_t kind, const float* a, const float* b, uint8_t* y, int64_t outer, int64_t inner, int64_t a_outer,
             int64_t a_inner, int64_t b_outer, int64_t b_inner) {
  const Layout l{outer, inner, a_outer, b_outer};
  switch (kind) {
    case kCompareEqual: return run_compare<kCompareEqual>(a, b, y, l, a_inner, b_inner);
    case kCompareNotEqual: return run_compare<kCompareNotEqual>(a, b, y, l, a_inner, b_inner);
    case kCompareLess: return run_compare<kCompareLess>(a, b, y, l, a_inner, b_inner);
    case kCompareLessEqual: return run_compare<kCompareLessEqual>(a, b, y, l, a_inner, b_inner);
    case kCompareGreater: return run_compare<kCompareGreater>(a, b, y, l, a_inner, b_inner);
    default: return run_compare<kCompareGreaterEqual>(a, b, y, l, a_inner, b_inner);
  }
}

void choose(const uint8_t* condition, const float* a, const float* b, float* y, int64_t n) {
  parallel_for(n, kGrain, [=](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) y[i] = condition[i] ? a[i] : b[i];
  });
}

}  // namespace weft::WEFT_ISA
