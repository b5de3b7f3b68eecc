#include "embedding.h"

#include "../runtime/simd.h"

namespace weft::WEFT_ISA {
namespace {

int64_t bad_id(const int32_t* ids, int64_t count, int64_t size) {
  for (int64_t i = 0; i < count; ++i) {
    if (ids[i] < 0 || ids[i] >= size) return i;
  }
  return -1;
}

}  // namespace

int64_t gather(const float* x, const int32_t* ids, float* y, int64_t outer, int64_t size, int64_t width, int64_t count) {
  const int64_t bad = bad_id(ids, count, size);
  if (bad >= 0) return bad;
  parallel_for(outer * count, 16384 / (width + 1) + 1, [=](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      const int64_t o = r / count, i = r % count;
      const float* const from = x + (o * size + ids[i]) * width;
      float* const to = y + r * width;
      if (width < 32) {
        for (int64_t j = 0; j < width; ++j) to[j] = from[j];
      } else {
        __builtin_memcpy(to, from, static_cast<size_t>(width) * sizeof(float));
      }
    }
  });
  return -1;
}

int64_t embedding_gradient(const int32_t* ids, const float* dy, float* dweight, int64_t size, int64_t width, int64_t count,
                           int64_t padding) {
  const int64_t bad = bad_id(ids, count, size);
  if (bad >= 0) return bad;
  // Each thread owns a range of the table's rows.
  parallel_for(size, 16384 / (width + 1) + 1, [=](int64_t begin, int64_t end) {
    __builtin_memset(dweight + begin * width, 0, static_cast<size_t>((end - begin) * width) * sizeof(float));
    for (int64_t i = 0; i < count; ++i) {
      const int64_t id = ids[i];
      if (id < begin || id >= end || id == padding) continue;
      const float* const from = dy + i * width;
      float* const to = dweight + id * width;
      int64_t j = 0;
      for (; j + kLanes <= width; j += kLanes) store(to + j, load(to + j) + load(from + j));
      if (j < width) store_n(to + j, load_n(to + j, width - j) + load_n(from + j, width - j), width - j);
    }
  });
  return -1;
}

}  // namespace weft::WEFT_ISA
