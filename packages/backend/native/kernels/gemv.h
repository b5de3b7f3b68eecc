// Few rows times a matrix: bound by reading the matrix, which is read once, in order, without being packed.
#pragma once

#include "../runtime/simd.h"
#include "activate.h"

namespace weft::WEFT_ISA {

constexpr int64_t kGemvRows = 8;

// B stored [n, k]: each output is a dot product with one stored row. The rows are read one after the other, as they
// lie in memory; `chains` sums run side by side, so that none waits for its own last addition.
template <int M, int chains>
static void gemv_dot(int64_t k, const float* a, int64_t lda, const float* b, float* c, int64_t ldc) {
  Vec acc[M][chains];
#pragma GCC unroll 8
  for (int r = 0; r < M; ++r) {
#pragma GCC unroll 8
    for (int i = 0; i < chains; ++i) acc[r][i] = zero();
  }
  int64_t p = 0;
  for (; p + chains * kLanes <= k; p += chains * kLanes) {
#pragma GCC unroll 8
    for (int i = 0; i < chains; ++i) {
      const Vec w = load(b + p + i * kLanes);
#pragma GCC unroll 8
      for (int r = 0; r < M; ++r) acc[r][i] = fma(load(a + r * lda + p + i * kLanes), w, acc[r][i]);
    }
  }
  for (; p < k; p += kLanes) {
    const int64_t width = k - p < kLanes ? k - p : kLanes;
    const Vec w = load_n(b + p, width);
    for (int r = 0; r < M; ++r) acc[r][0] = fma(load_n(a + r * lda + p, width), w, acc[r][0]);
  }
  for (int r = 0; r < M; ++r) {
    Vec total = acc[r][0];
    for (int i = 1; i < chains; ++i) total = total + acc[r][i];
    c[r * ldc] = sum(total);
  }
}

// The same for `columns` rows of B at once, where there are so many rows of A that loading them counts.
template <int M, int columns>
static void gemv_dots(int64_t k, const float* a, int64_t lda, const float* b, int64_t ldb, float* c, int64_t ldc) {
  Vec acc[M][columns];
#pragma GCC unroll 8
  for (int r = 0; r < M; ++r) {
#pragma GCC unroll 8
    for (int j = 0; j < columns; ++j) acc[r][j] = zero();
  }
  int64_t p = 0;
  for (; p + kLanes <= k; p += kLanes) {
    Vec w[columns];
#pragma GCC unroll 8
    for (int j = 0; j < columns; ++j) {
      __builtin_prefetch(b + (j + columns) * ldb + p, 0, 2);
      w[j] = load(b + j * ldb + p);
    }
#pragma GCC unroll 8
    for (int r = 0; r < M; ++r) {
      const Vec x = load(a + r * lda + p);
#pragma GCC unroll 8
      for (int j = 0; j < columns; ++j) acc[r][j] = fma(x, w[j], acc[r][j]);
    }
  }
  for (int j = 0; j < columns; ++j) {
    const Vec w = p < k ? load_n(b + j * ldb + p, k - p) : zero();
    for (int r = 0; r < M; ++r) {
      if (p < k) acc[r][j] = fma(load_n(a + r * lda + p, k - p), w, acc[r][j]);
      c[r * ldc + j] = sum(acc[r][j]);
    }
  }
}

template <int M>
static void gemv_rows(int64_t from, int64_t to, int64_t k, const float* a, int64_t lda, const float* b, int64_t ldb, float* c,
                      int64_t ldc) {
  if constexpr (M == 1) {
    for (int64_t j = from; j < to; ++j) gemv_dot<M, 4>(k, a, lda, b + j * ldb, c + j, ldc);
    return;
  }
#if defined(WEFT_ISA_AVX512) || defined(WEFT_ISA_NEON)
  constexpr int kColumns = M <= 4 ? 2 : M <= 6 ? 4 : 3;
#else
  constexpr int kColumns = M <= 3 ? 3 : M <= 4 ? 2 : 1;
#endif
  int64_t j = from;
  for (; j + kColumns <= to; j += kColumns) gemv_dots<M, kColumns>(k, a, lda, b + j * ldb, ldb, c + j, ldc);
  for (; j < to; ++j) gemv_dots<M, 1>(k, a, lda, b + j * ldb, ldb, c + j, ldc);
}

// B stored [k, n]: `depth` rows of B at a time are scaled and added to the columns [from, to) of C.
template <int M, int depth>
static void gemv_add(int64_t from, int64_t to, const float* a, int64_t lda, const float* b, int64_t ldb, float* c, int64_t ldc,
                     bool add) {
  Vec x[M][depth];
#pragma GCC unroll 8
  for (int r = 0; r < M; ++r) {
#pragma GCC unroll 8
    for (int d = 0; d < depth; ++d) x[r][d] = set1(a[r * lda + d]);
  }
  int64_t j = from;
  for (; j + kLanes <= to; j += kLanes) {
    Vec y[M];
#pragma GCC unroll 8
    for (int r = 0; r < M; ++r) y[r] = add ? load(c + r * ldc + j) : zero();
#pragma GCC unroll 8
    for (int d = 0; d < depth; ++d) {
      // The rows that come next: the processor by itself looks no further than the page.
      __builtin_prefetch(b + (d + depth) * ldb + j, 0, 2);
      const Vec w = load(b + d * ldb + j);
#pragma GCC unroll 8
      for (int r = 0; r < M; ++r) y[r] = fma(x[r][d], w, y[r]);
    }
#pragma GCC unroll 8
    for (int r = 0; r < M; ++r) store(c + r * ldc + j, y[r]);
  }
  if (j == to) return;
  for (int r = 0; r < M; ++r) {
    Vec y = add ? load_n(c + r * ldc + j, to - j) : zero();
    for (int d = 0; d < depth; ++d) y = fma(x[r][d], load_n(b + d * ldb + j, to - j), y);
    store_n(c + r * ldc + j, y, to - j);
  }
}

// Rows [first, last) of B.
template <int M>
static void gemv_columns(int64_t from, int64_t to, int64_t first, int64_t last, const float* a, int64_t lda, const float* b,
                         int64_t ldb, float* c, int64_t ldc) {
#if defined(WEFT_ISA_AVX512) || defined(WEFT_ISA_NEON)
  constexpr int kDepth = M == 3 || M == 4 ? 4 : 8;
#else
  constexpr int kDepth = M == 1 ? 8 : M == 2 ? 4 : 2;
#endif
  int64_t p = first;
  for (; p + kDepth <= last; p += kDepth) gemv_add<M, kDepth>(from, to, a + p, lda, b + p * ldb, ldb, c, ldc, p > first);
  for (; p < last; ++p) gemv_add<M, 1>(from, to, a + p, lda, b + p * ldb, ldb, c, ldc, p > first);
}

template <int M>
static void gemv_of(bool tb, int64_t n, int64_t k, const float* a, int64_t lda, const float* b, int64_t ldb, float* c, int64_t ldc,
                    const float* bias, int32_t activation) {
  const auto finish = [=](int64_t from, int64_t to) {
    for (int64_t r = 0; r < M; ++r) {
      float* const row = c + r * ldc;
      if (bias != nullptr) {
        for (int64_t j = from; j < to; ++j) row[j] += bias[j];
      }
      activate_row(row + from, to - from, activation);
    }
  };
  if (tb) {
    parallel_for(n, (32768 + k - 1) / k, [=](int64_t from, int64_t to) {
      gemv_rows<M>(from, to, k, a, lda, b, ldb, c, ldc);
      finish(from, to);
    });
    return;
  }
  // Cut along k, so that each thread reads a whole stretch of memory; the number of parts depends on the sizes alone,
  // and so do the bits. More threads than parts cut the columns.
  const int64_t parts = k < 64 || n * k < 65536 ? 1 : 4;
  const int64_t threads = n * k < 65536 ? 1 : num_threads();
  int64_t cuts = (threads + parts - 1) / parts;
  const int64_t groups = (n + 63) / 64;
  if (cuts > groups) cuts = groups;
  float* const partial = parts == 1 ? nullptr : scratch(kSlotGemmC, (parts - 1) * M * n);
  const auto task = [=](int64_t i) {
    const int64_t part = i / cuts, cut = i % cuts;
    const int64_t from = groups * cut / cuts * 64, end = groups * (cut + 1) / cuts * 64, to = end < n ? end : n;
    float* const into = part == 0 ? c : partial + (part - 1) * M * n;
    gemv_columns<M>(from, to, k * part / parts, k * (part + 1) / parts, a, lda, b, ldb, into, part == 0 ? ldc : n);
  };
  if (threads == 1) {
    for (int64_t i = 0; i < parts * cuts; ++i) task(i);
  } else {
    parallel_tasks(parts * cuts, task);
  }
  for (int64_t part = 1; part < parts; ++part) {
    for (int64_t r = 0; r < M; ++r) {
      const float* const from = partial + ((part - 1) * M + r) * n;
      float* const row = c + r * ldc;
      for (int64_t j = 0; j < n; ++j) row[j] += from[j];
    }
  }
  finish(0, n);
}

static void gemv(bool tb, int64_t m, int64_t n, int64_t k, const float* a, int64_t lda, const float* b, int64_t ldb, float* c,
                 int64_t ldc, const float* bias, int32_t activation) {
  const auto run = m == 1   ? &gemv_of<1>
                   : m == 2 ? &gemv_of<2>
                   : m == 3 ? &gemv_of<3>
                   : m == 4 ? &gemv_of<4>
                   : m == 5 ? &gemv_of<5>
                   : m == 6 ? &gemv_of<6>
                   : m == 7 ? &gemv_of<7>
                            : &gemv_of<8>;
  run(tb, n, k, a, lda, b, ldb, c, ldc, bias, activation);
}

}  // namespace weft::WEFT_ISA
