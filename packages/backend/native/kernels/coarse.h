// A weight [n, k] in int8, a scale a row, and how far each row is from its original.
#pragma once

#include "../runtime/simd.h"

namespace weft::WEFT_ISA {

// A tile's columns; the arrays are as long as whole tiles.
constexpr int64_t kCoarseColumns = 32;

WEFT_INLINE int64_t coarse_rows(int64_t n) { return (n + kCoarseColumns - 1) / kCoarseColumns * kCoarseColumns; }
// Bytes of a row: a multiple of four, those beyond k zero.
WEFT_INLINE int64_t coarse_depth(int64_t k) { return (k + 3) / 4 * 4; }

// Where the parts lie in a copy.
template <class Int, class Float, class Byte>
struct CoarseParts {
  CoarseParts(int64_t n, Int* copy)
      : usable(copy),
        scale(reinterpret_cast<Float*>(copy + 16)),
        error(scale + coarse_rows(n)),
        norm(error + coarse_rows(n)),
        bytes(reinterpret_cast<Byte*>(norm + coarse_rows(n))) {}
  Int* usable;   // 0 where the weight holds NaN or infinity
  Float* scale;  // weight = scale * byte, but for
  Float* error;  // at most this, as a Euclidean norm of the row's differences
  Float* norm;   // of the row, at most
  // With AVX-512, tile by tile and four of k by four, those of 16 rows side by side, each + 128; else row by row.
  Byte* bytes;
};
using Coarse = CoarseParts<const int32_t, const float, const int8_t>;
using NewCoarse = CoarseParts<int32_t, float, int8_t>;

// The roots of sums in float32, of up to 2^17 squares, are within this factor of the true ones.
constexpr float kUpwards = 1.002f;
// Squares of smaller numbers would be no numbers any more.
constexpr float kSmallestMagnitude = 1e-12f;

struct Differences {
  float scale, error, norm;
};

// x as bytes times the scale; `largest` magnitude. Those beyond k, up to whole vectors, become zero: `to` has room for them.
static Differences round_row(const float* x, int64_t k, float largest, int8_t* to) {
  if (largest < kSmallestMagnitude) {
    __builtin_memset(to, 0, static_cast<size_t>((k + kLanes - 1) / kLanes * kLanes));
    const float most = largest == 0 ? 0 : kSmallestMagnitude * __builtin_sqrtf(static_cast<float>(k)) * kUpwards;
    return {0, most, most};
  }
  const float scale = largest / 127.0f;
  const Vec up = set1(scale), inverse = set1(127.0f / largest);
  Vec errors = zero(), squares = zero();
  for (int64_t p = 0; p < k; p += kLanes) {
    const Vec v = k - p < kLanes ? load_n(x + p, k - p) : load(x + p);
    const VecI whole = to_int(v * inverse);
    int32_t lanes[kLanes];
    store(lanes, whole);
    for (int64_t i = 0; i < kLanes; ++i) to[p + i] = static_cast<int8_t>(lanes[i]);
    const Vec difference = fnma(to_float(whole), up, v);
    errors = fma(difference, difference, errors);
    squares = fma(v, v, squares);
  }
  const auto root = [](float total) { return __builtin_sqrtf(total) * kUpwards; };
  return {scale, root(sum(errors)), root(sum(squares))};
}

static float largest_magnitude(const float* x, int64_t k) {
  Vec largest = zero();
  for (int64_t p = 0; p < k; p += kLanes) largest = max(abs(k - p < kLanes ? load_n(x + p, k - p) : load(x + p)), largest);
  return hmax(largest);
}

}  // namespace weft::WEFT_ISA
