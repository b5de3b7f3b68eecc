#include "peak.h"

#include "../runtime/simd.h"

namespace weft::WEFT_ISA {

double fma_peak(int64_t rounds) {
  // Enough chains to cover the latency of two units, few enough to stay in registers.
  constexpr int64_t kChains = 10;
  const int64_t threads = num_threads();
  float results[256];
  parallel_for(threads < 256 ? threads : 256, 1, [&](int64_t begin, int64_t end) {
    for (int64_t part = begin; part < end; ++part) {
      Vec sums[kChains];
      for (int64_t j = 0; j < kChains; ++j) sums[j] = set1(static_cast<float>(j + 1) * 1e-3f);
      const Vec a = set1(0.999f), b = set1(1e-3f);
      for (int64_t i = 0; i < rounds; ++i) {
        for (int64_t j = 0; j < kChains; ++j) sums[j] = fma(sums[j], a, b);
      }
      Vec total = sums[0];
      for (int64_t j = 1; j < kChains; ++j) total += sums[j];
      results[part] = sum(total);
    }
  });
  // The results decide, so that no compiler may leave the loops out; they are never NaN.
  const double done = static_cast<double>(rounds) * kChains * kLanes * 2.0 * static_cast<double>(threads);
  return results[0] == results[0] ? done : 0.0;
}

void copy_peak(const float* from, float* to, int64_t n) {
  parallel_for(n, 1 << 16, [=](int64_t begin, int64_t end) {
    int64_t i = begin;
    for (; i + kLanes <= end; i += kLanes) store(to + i, load(from + i));
    if (i < end) store_n(to + i, load_n(from + i, end - i), end - i);
  });
}

float read_peak(const float* from, int64_t n) {
  const int64_t threads = num_threads();
  const int64_t parts = threads < 256 ? threads : 256;
  const int64_t share = n / parts / (4 * kLanes) * (4 * kLanes);
  float results[256];
  parallel_for(parts, 1, [&](int64_t begin, int64_t end) {
    for (int64_t part = begin; part < end; ++part) {
      Vec sums[4] = {zero(), zero(), zero(), zero()};
      const float* p = from + part * share;
      for (int64_t i = 0; i < share; i += 4 * kLanes) {
        for (int64_t j = 0; j < 4; ++j) sums[j] += load(p + i + j * kLanes);
      }
      results[part] = sum((sums[0] + sums[1]) + (sums[2] + sums[3]));
    }
  });
  float total = 0.0f;
  for (int64_t part = 0; part < parts; ++part) total += results[part];
  return total;
}

}  // namespace weft::WEFT_ISA
