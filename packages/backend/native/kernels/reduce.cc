#include "reduce.h"

#include "../runtime/simd.h"

namespace weft::WEFT_ISA {
namespace {

constexpr int64_t kGrain = 16384;
// Elements that one sum in single precision covers; longer ones are sums of such sums in double.
constexpr int64_t kShort = 64 * kLanes;
// Elements of one part of a long row, for several threads.
constexpr int64_t kPart = 65536;

template <int kind>
WEFT_INLINE Vec join(Vec a, Vec b) {
  if constexpr (kind == kReduceMax) return select(is_nan(a), a, max(a, b));
  if constexpr (kind == kReduceMin) return select(is_nan(a), a, min(a, b));
  if constexpr (kind == kReduceProd) return a * b;
  return a + b;
}

template <int kind>
WEFT_INLINE double join(double a, double b) {
  if constexpr (kind == kReduceMax) return a != a ? a : a > b ? a : b;
  if constexpr (kind == kReduceMin) return a != a ? a : a < b ? a : b;
  if constexpr (kind == kReduceProd) return a * b;
  return a + b;
}

template <int kind>
constexpr float neutral() {
  if (kind == kReduceMax) return -__builtin_inff();
  if (kind == kReduceMin) return __builtin_inff();
  if (kind == kReduceProd) return 1;
  return 0;
}

template <int kind>
double lanes(Vec a) {
  float values[kLanes];
  store(values, a);
  double result = values[0];
  for (int64_t i = 1; i < kLanes; ++i) result = join<kind>(result, values[i]);
  return result;
}

// One row of n numbers.
template <int kind>
double row(const float* x, int64_t n) {
  double total = neutral<kind>();
  int64_t from = 0;
  for (; from + kLanes <= n; from += kShort) {
    const int64_t to = from + kShort < n ? from + kShort : n;
    Vec a = set1(neutral<kind>()), b = a, c = a, d = a;
    int64_t i = from;
    for (; i + 4 * kLanes <= to; i += 4 * kLanes) {
      a = join<kind>(a, load(x + i));
      b = join<kind>(b, load(x + i + kLanes));
      c = join<kind>(c, load(x + i + 2 * kLanes));
      d = join<kind>(d, load(x + i + 3 * kLanes));
    }
    for (; i + kLanes <= to; i += kLanes) a = join<kind>(a, load(x + i));
    const Vec all = join<kind>(join<kind>(a, b), join<kind>(c, d));
    // A sum of infinities or NaN must come out as itself; adding lanes in double does that.
    total = join<kind>(total, lanes<kind>(all));
    if (i < to) {
      for (; i < to; ++i) total = join<kind>(total, x[i]);
      return total;
    }
  }
  for (int64_t i = from < n ? from : n; i < n; ++i) total = join<kind>(total, x[i]);
  return total;
}

template <int kind>
void rows(const float* x, float* y, int64_t outer, int64_t size, double scale) {
  if (size > 2 * kPart && outer < 64) {
    const int64_t parts = (size + kPart - 1) / kPart;
    double* const partial = static_cast<double*>(scratch_bytes(kSlotKernel0, static_cast<size_t>(outer * parts) * sizeof(double)));
    parallel_for(outer * parts, 1, [=](int64_t begin, int64_t end) {
      for (int64_t t = begin; t < end; ++t) {
        const int64_t at = t % parts * kPart;
        partial[t] = row<kind>(x + t / parts * size + at, size - at < kPart ? size - at : kPart);
      }
    });
    for (int64_t o = 0; o < outer; ++o) {
      double total = partial[o * parts];
      for (int64_t p = 1; p < parts; ++p) total = join<kind>(total, partial[o * parts + p]);
      y[o] = static_cast<float>(total * scale);
    }
    return;
  }
  parallel_for(outer, kGrain / (size + 1) + 1, [=](int64_t begin, int64_t end) {
    for (int64_t o = begin; o < end; ++o) y[o] = static_cast<float>(row<kind>(x + o * size, size) * scale);
  });
}

// Columns [from, to) of one [size, inner]. Rows join in pairs of halves, so that long sums stay exact enough.
template <int kind>
void columns(const float* x, float* y, int64_t size, int64_t inner, int64_t from, int64_t to, float scale) {
  constexpr int64_t kBlock = 64;
  for (int64_t c = from; c < to; c += 4 * kLanes) {
    const int64_t width = to - c < 4 * kLanes ? to - c : 4 * kLanes;
    Vec total[4], lost[4];
    for (int v = 0; v < 4; ++v) {
      total[v] = set1(neutral<kind>());
      lost[v] = zero();
    }
    for (int64_t r0 = 0; r0 < size; r0 += kBlock) {
      const int64_t r1 = r0 + kBlock < size ? r0 + kBlock : size;
      Vec block[4];
      for (int v = 0; v < 4; ++v) block[v] = set1(neutral<kind>());
      if (width == 4 * kLanes) {
        for (int64_t r = r0; r < r1; ++r) {
          const float* const p = x + r * inner + c;
          for (int v = 0; v < 4; ++v) block[v] = join<kind>(block[v], load(p + v * kLanes));
        }
      } else {
        for (int64_t r = r0; r < r1; ++r) {
          const float* const p = x + r * inner + c;
          for (int v = 0; v * kLanes < width; ++v) {
            const int64_t left = width - v * kLanes < kLanes ? width - v * kLanes : kLanes;
            block[v] = join<kind>(block[v], load_n(p + v * kLanes, left));
          }
        }
      }
      for (int v = 0; v < 4; ++v) {
        if constexpr (kind == kReduceSum) {
          // What the addition rounds off is added with the next block (unless the sum is not finite).
          const Vec term = block[v] + lost[v], next = total[v] + term;
          const Vec rounded = term - (next - total[v]);
          lost[v] = select(is_nan(rounded), zero(), rounded);
          total[v] = next;
        } else {
          total[v] = join<kind>(total[v], block[v]);
        }
      }
    }
    for (int v = 0; v * kLanes < width; ++v) {
      const int64_t left = width - v * kLanes < kLanes ? width - v * kLanes : kLanes;
      store_n(y + c + v * kLanes, total[v] * set1(scale), left);
    }
  }
}

template <int kind>
void run(const float* x, float* y, int64_t outer, int64_t size, int64_t inner, double scale) {
  if (inner == 1) return rows<kind>(x, y, outer, size, scale);
  const float factor = static_cast<float>(scale);
  if (outer >= 8 || inner < 128) {
    parallel_for(outer, kGrain / (size * inner + 1) + 1, [=](int64_t begin, int64_t end) {
      for (int64_t o = begin; o < end; ++o) columns<kind>(x + o * size * inner, y + o * inner, size, inner, 0, inner, factor);
    });
    return;
  }
  const int64_t groups = (inner + 63) / 64;
  for (int64_t o = 0; o < outer; ++o) {
    parallel_for(groups, kGrain / (size * 64 + 1) + 1, [=](int64_t begin, int64_t end) {
      const int64_t to = end * 64 < inner ? end * 64 : inner;
      columns<kind>(x + o * size * inner, y + o * inner, size, inner, begin * 64, to, factor);
    });
  }
}

}  // namespace

void reduce(int32_t kind, const float* x, float* y, int64_t outer, int64_t size, int64_t inner) {
  switch (kind) {
    case kReduceSum: return run<kReduceSum>(x, y, outer, size, inner, 1);
    case kReduceMean:
      if (size == 0) {
        for (int64_t i = 0; i < outer * inner; ++i) y[i] = __builtin_nanf("");
        return;
      }
      return run<kReduceSum>(x, y, outer, size, inner, 1.0 / static_cast<double>(size));
    case kReduceMax: return run<kReduceMax>(x, y, outer, size, inner, 1);
    case kReduceMin: return run<kReduceMin>(x, y, outer, size, inner, 1);
    case kReduceProd: return run<kReduceProd>(x, y, outer, size, inner, 1);
    default: return;
  }
}

}  // namespace weft::WEFT_ISA
