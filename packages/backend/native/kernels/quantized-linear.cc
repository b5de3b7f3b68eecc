#include "quantized-linear.h"

#include "../runtime/simd.h"
#include "activate.h"
#include "gemm.h"
#if defined(WEFT_ISA_AVX512)
#include "quantized-vnni.h"
#endif

namespace weft::WEFT_ISA {
namespace {

// Rows of x up to which the weight is unpacked on the way instead of once into memory.
constexpr int64_t kFewRows = 8;
// Rows of the weight that are unpacked at a time for more rows of x.
constexpr int64_t kStrip = 256;

WEFT_INLINE Vec load_i8_n(const int8_t* from, int64_t n) {
  int8_t bytes[kLanes] = {};
  for (int64_t i = 0; i < n; ++i) bytes[i] = from[i];
  return load_i8(bytes);
}

// One row of the weight times M rows of x. Groups that are not whole vectors end in a part of one.
template <int M>
WEFT_INLINE void dot(int64_t k, int64_t group, const float* x, const int8_t* w, const float* scales, float* y, int64_t ldy) {
  Vec even[M], odd[M];
#pragma GCC unroll 8
  for (int r = 0; r < M; ++r) even[r] = odd[r] = zero();
  for (int64_t begin = 0; begin < k; begin += group) {
    const Vec scale = set1(*scales++);
    const int64_t end = begin + group;
    int64_t p = begin;
    for (; p + 2 * kLanes <= end; p += 2 * kLanes) {
      const Vec w0 = load_i8(w + p) * scale, w1 = load_i8(w + p + kLanes) * scale;
#pragma GCC unroll 8
      for (int r = 0; r < M; ++r) {
        even[r] = fma(load(x + r * k + p), w0, even[r]);
        odd[r] = fma(load(x + r * k + p + kLanes), w1, odd[r]);
      }
    }
    for (; p < end; p += kLanes) {
      const int64_t width = end - p < kLanes ? end - p : kLanes;
      const Vec w0 = (width == kLanes ? load_i8(w + p) : load_i8_n(w + p, width)) * scale;
#pragma GCC unroll 8
      for (int r = 0; r < M; ++r) even[r] = fma(width == kLanes ? load(x + r * k + p) : load_n(x + r * k + p, width), w0, even[r]);
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < M; ++r) y[r * ldy] = sum(even[r] + odd[r]);
}

template <int M>
void few_rows(int64_t n, int64_t k, int64_t group, const float* x, const int8_t* weight, const float* scales, const float* bias,
              float* y, int32_t activation) {
  parallel_for(n, (65536 + k - 1) / (k + 1), [=](int64_t from, int64_t to) {
    for (int64_t j = from; j < to; ++j) dot<M>(k, group, x, weight + j * k, scales + j * (k / group), y + j, n);
    for (int64_t r = 0; r < M; ++r) {
      float* const row = y + r * n;
      if (bias != nullptr) {
        for (int64_t j = from; j < to; ++j) row[j] += bias[j];
      }
      activate_row(row + from, to - from, activation);
    }
  });
}

#if defined(WEFT_ISA_AVX512)
// False, and nothing is done, where x holds NaN or infinity.
bool few_rows_by_digits(int64_t m, int64_t n, int64_t k, int64_t group, const float* x, const int8_t* weight,
                        const float* scales, const float* bias, float* y, int32_t activation) {
  const int64_t count = k / kBlock;
  DigitBlock* const blocks = static_cast<DigitBlock*>(scratch_bytes(kSlotKernel0, static_cast<size_t>(m * count) * sizeof(DigitBlock)));
  float x_scales[kFewRows];
  for (int64_t r = 0; r < m; ++r) {
    x_scales[r] = split_digits(x + r * k, k, blocks + r * count);
    if (x_scales[r] != x_scales[r]) return false;
  }
  const float* const factors = x_scales;
  parallel_for((n + 15) / 16, (131072 + 16 * k - 1) / (16 * k), [=](int64_t begin, int64_t end) {
    const int64_t from = begin * 16, to = end * 16 < n ? end * 16 : n, groups = k / group;
    int64_t j = from;
    for (; j + 4 <= to; j += 4) {
      for (int64_t r = 0; r < m; ++r) {
        digit_dots<4>(k, group, blocks + r * count, factors[r], weight + j * k, scales + j * groups, y + r * n + j);
      }
    }
    for (; j < to; ++j) {
      for (int64_t r = 0; r < m; ++r) {
        digit_dots<1>(k, group, blocks + r * count, factors[r], weight + j * k, scales + j * groups, y + r * n + j);
      }
    }
    for (int64_t r = 0; r < m; ++r) {
      float* const row = y + r * n;
      if (bias != nullptr) {
        for (int64_t i = from; i < to; ++i) row[i] += bias[i];
      }
      activate_row(row + from, to - from, activation);
    }
  });
  return true;
}
#endif

void unpack(int64_t rows, int64_t k, int64_t group, const int8_t* weight, const float* scales, float* to) {
  parallel_for(rows, 16, [=](int64_t begin, int64_t end) {
    for (int64_t j = begin; j < end; ++j) {
      for (int64_t g = 0; g < k / group; ++g) {
        const float scale = scales[j * (k / group) + g];
        const int8_t* from = weight + j * k + g * group;
        float* into = to + j * k + g * group;
        int64_t i = 0;
        for (; i + kLanes <= group; i += kLanes) store(into + i, load_i8(from + i) * set1(scale));
        for (; i < group; ++i) into[i] = static_cast<float>(from[i]) * scale;
      }
    }
  });
}

void many_rows(int64_t m, int64_t n, int64_t k, int64_t group, const float* x, const int8_t* weight, const float* scales,
               const float* bias, float* y, int32_t activation) {
  float* const strip = scratch(kSlotKernel0, kStrip * k);
  for (int64_t j = 0; j < n; j += kStrip) {
    const int64_t columns = n - j < kStrip ? n - j : kStrip;
    unpack(columns, k, group, weight + j * k, scales + j * (k / group), strip);
    sgemm(false, true, m, columns, k, x, k, strip, k, y + j, n, bias == nullptr ? nullptr : bias + j, activation, false);
  }
}

}  // namespace

void quantized_linear(int64_t m, int64_t n, int64_t k, int64_t group, const float* x, const int32_t* weight,
                      const float* scales, const float* bias, float* y, int32_t activation) {
  if (m <= 0 || n <= 0) return;
  const int8_t* const bytes = reinterpret_cast<const int8_t*>(weight);
  if (m > kFewRows || k <= 0) return many_rows(m, n, k, group, x, bytes, scales, bias, y, activation);
#if defined(WEFT_ISA_AVX512)
  if (digits_fit(k, group) && few_rows_by_digits(m, n, k, group, x, bytes, scales, bias, y, activation)) return;
#endif
  const auto run = m == 1   ? &few_rows<1>
                   : m == 2 ? &few_rows<2>
                   : m == 3 ? &few_rows<3>
                   : m == 4 ? &few_rows<4>
                   : m == 5 ? &few_rows<5>
                   : m == 6 ? &few_rows<6>
                   : m == 7 ? &few_rows<7>
                            : &few_rows<8>;
  run(n, k, group, x, bytes, scales, bias, y, activation);
}

void quantize_weight(int64_t n, int64_t k, int64_t group, const float* weight, int32_t* quantized, float* scales) {
  int8_t* const bytes = reinterpret_cast<int8_t*>(quantized);
  parallel_for(n * (k / group), 16384 / group + 1, [=](int64_t begin, int64_t end) {
    for (int64_t g = begin; g < end; ++g) {
      const float* const from = weight + g * group;
      int8_t* const to = bytes + g * group;
      float largest = 0;
      bool ordered = true;
      for (int64_t i = 0; i < group; ++i) {
        const float magnitude = __builtin_fabsf(from[i]);
        ordered = ordered && magnitude == magnitude;
        largest = magnitude > largest ? magnitude : largest;
      }
      const float scale = ordered ? static_cast<float>(static_cast<double>(largest) / 127) : __builtin_nanf("");
      scales[g] = scale;
      if (!(scale > 0 && scale < __builtin_inff())) {
        __builtin_memset(to, 0, static_cast<size_t>(group));
        continue;
      }
      for (int64_t i = 0; i < group; ++i) {
        to[i] = static_cast<int8_t>(static_cast<int32_t>(__builtin_floor(static_cast<double>(from[i]) / scale + 0.5)));
      }
    }
  });
}

}  // namespace weft::WEFT_ISA
