#include "selection.h"

#include "../runtime/simd.h"

namespace weft::WEFT_ISA {
namespace {

int32_t arg_max_row(const float* x, int64_t n) {
  if (n == 0 || x[0] != x[0]) return 0;
  // max(new, best) keeps best where new is NaN.
  Vec best = set1(x[0]);
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) best = max(load(x + i), best);
  float largest = hmax(best);
  for (; i < n; ++i) {
    if (x[i] > largest) largest = x[i];
  }
  const Vec wanted = set1(largest);
  for (i = 0; i + kLanes <= n; i += kLanes) {
    const uint32_t found = bits(eq(load(x + i), wanted));
    if (found != 0) return static_cast<int32_t>(i + __builtin_ctz(found));
  }
  for (; i < n; ++i) {
    if (x[i] == largest) return static_cast<int32_t>(i);
  }
  return 0;
}

struct Entry {
  float value;
  int32_t index;
};

// The worse of two entries stands nearer to the root of the heap.
WEFT_INLINE bool worse(const Entry& a, const Entry& b) {
  return a.value < b.value || (a.value == b.value && a.index > b.index);
}

void sift_down(Entry* heap, int64_t size, int64_t at) {
  const Entry moved = heap[at];
  for (;;) {
    int64_t child = 2 * at + 1;
    if (child >= size) break;
    if (child + 1 < size && worse(heap[child + 1], heap[child])) ++child;
    if (!worse(heap[child], moved)) break;
    heap[at] = heap[child];
    at = child;
  }
  heap[at] = moved;
}

void top_k_row(const float* x, int64_t n, int64_t k, Entry* heap, float* values, int32_t* indices) {
  for (int64_t i = 0; i < k; ++i) heap[i] = {x[i], static_cast<int32_t>(i)};
  for (int64_t i = k / 2 - 1; i >= 0; --i) sift_down(heap, k, i);
  int64_t i = k;
  // Most values are below the worst of the best: whole vectors of those are passed over. An equal one comes later
  // and so is no better.
  while (i < n) {
    if (i + kLanes <= n) {
      const uint32_t found = bits(gt(load(x + i), set1(heap[0].value)));
      if (found == 0) {
        i += kLanes;
        continue;
      }
    }
    const int64_t end = i + kLanes < n ? i + kLanes : n;
    for (; i < end; ++i) {
      if (x[i] > heap[0].value) {
        heap[0] = {x[i], static_cast<int32_t>(i)};
        sift_down(heap, k, 0);
      }
    }
  }
  for (int64_t left = k; left > 0; --left) {
    values[left - 1] = heap[0].value;
    indices[left - 1] = heap[0].index;
    heap[0] = heap[left - 1];
    sift_down(heap, left - 1, 0);
  }
}

}  // namespace

void arg_max(const float* x, int32_t* index, int64_t rows, int64_t columns) {
  parallel_for(rows, 65536 / (columns + 1) + 1, [=](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) index[r] = arg_max_row(x + r * columns, columns);
  });
}

void top_k(const float* x, float* values, int32_t* indices, int64_t rows, int64_t columns, int64_t k) {
  if (k <= 0) return;
  parallel_for(rows, 65536 / (columns + 1) + 1, [=](int64_t begin, int64_t end) {
    Entry* const heap = static_cast<Entry*>(scratch_bytes(kSlotKernel0, static_cast<size_t>(k) * sizeof(Entry)));
    for (int64_t r = begin; r < end; ++r) top_k_row(x + r * columns, columns, k, heap, values + r * k, indices + r * k);
  });
}

bool has_nan(const float* x, int64_t n) {
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    if (any(is_nan(load(x + i)))) return true;
  }
  for (; i < n; ++i) {
    if (x[i] != x[i]) return true;
  }
  return false;
}

}  // namespace weft::WEFT_ISA
