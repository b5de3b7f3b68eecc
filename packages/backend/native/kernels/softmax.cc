#include "softmax.h"

#include "softmax-row.h"

namespace weft::WEFT_ISA {
namespace {
int64_t grain(int64_t width) { return 8192 / (width + 1) + 1; }
}  // namespace

void softmax(const float* x, float* y, int64_t rows, int64_t width) {
  if (width <= 0) return;
  parallel_for(rows, grain(width), [=](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      float* const out = y + r * width;
      const float* const in = x + r * width;
      const float total = exp_sum<true>(in, out, width, row_max(in, width));
      const Vec scale = set1(1.0f / total);
      int64_t i = 0;
      for (; i + kLanes <= width; i += kLanes) store(out + i, load(out + i) * scale);
      if (i < width) store_n(out + i, load_n(out + i, width - i) * scale, width - i);
    }
  });
}

void log_softmax(const float* x, float* y, int64_t rows, int64_t width) {
  if (width <= 0) return;
  parallel_for(rows, grain(width), [=](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      float* const out = y + r * width;
      const float* const in = x + r * width;
      const float best = row_max(in, width);
      const Vec shift = set1(best), lower = set1(__builtin_logf(exp_sum<false>(in, nullptr, width, best)));
      int64_t i = 0;
      for (; i + kLanes <= width; i += kLanes) store(out + i, load(in + i) - shift - lower);
      if (i < width) store_n(out + i, load_n(in + i, width - i) - shift - lower, width - i);
    }
  });
}

}  // namespace weft::WEFT_ISA
