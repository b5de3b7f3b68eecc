// Few rows times a matrix: bound by reading the matrix, which is read once, in order, without being packed.
#pragma once

#include "../runtime/simd.h"
#include "activate.h"

namespace weft::WEFT_ISA {

constexpr int64_t kGemvRows = 4;

// B stored [n, k]: each output is a dot product with one stored row; `columns` rows of B at a time.
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
    Vec x[M];
#pragma GCC unroll 8
    for (int r = 0; r < M; ++r) x[r] = load(a + r * lda + p);
#pragma GCC unroll 8
    for (int j = 0; j < columns; ++j) {
      const Vec w = load(b + j * ldb + p);
#pragma GCC unroll 8
      for (int r = 0; r < M; ++r) acc[r][j] = fma(x[r], w, acc[r][j]);
    }
  }
  if (p < k) {
    for (int j = 0; j < columns; ++j) {
      const Vec w = load_n(b + j * ldb + p, k - p);
      for (int r = 0; r < M; ++r) acc[r][j] = fma(load_n(a + r * lda + p, k - p), w, acc[r][j]);
    }
  }
  for (int r = 0; r < M; ++r) {
    for (int j = 0; j < columns; ++j) c[r * ldc + j] = sum(acc[r][j]);
  }
}

template <int M>
static void gemv_rows(int64_t from, int64_t to, int64_t k, const float* a, int64_t lda, const float* b, int64_t ldb, float* c,
                      int64_t ldc) {
  constexpr int kColumns = M == 1 ? 4 : M == 2 ? 4 : 2;
  int64_t j = from;
  for (; j + kColumns <= to; j += kColumns) gemv_dots<M, kColumns>(k, a, lda, b + j * ldb, ldb, c + j, ldc);
  for (; j < to; ++j) gemv_dots<M, 1>(k, a, lda, b + j * ldb, ldb, c + j, ldc);
}

// B stored [k, n]: rows of B are scaled and added up, eight at a time, over the columns [from, to).
template <int M, int depth>
static void gemv_add(int64_t from, int64_t to, const float* a, int64_t lda, const float* b, int64_t ldb, float* c, int64_t ldc,
                     bool add) {
  Vec x[M][depth];
  for (int r = 0; r < M; ++r) {
    for (int d = 0; d < depth; ++d) x[r][d] = set1(a[r * lda + d]);
  }
  for (int64_t j = from; j < to; j += kLanes) {
    const int64_t width = to - j < kLanes ? to - j : kLanes;
    Vec y[M];
#pragma GCC unroll 8
    for (int r = 0; r < M; ++r) y[r] = !add ? zero() : width == kLanes ? load(c + r * ldc + j) : load_n(c + r * ldc + j, width);
#pragma GCC unroll 8
    for (int d = 0; d < depth; ++d) {
      const Vec w = width == kLanes ? load(b + d * ldb + j) : load_n(b + d * ldb + j, width);
#pragma GCC unroll 8
      for (int r = 0; r < M; ++r) y[r] = fma(x[r][d], w, y[r]);
    }
#pragma GCC unroll 8
    for (int r = 0; r < M; ++r) {
      if (width == kLanes) {
        store(c + r * ldc + j, y[r]);
      } else {
        store_n(c + r * ldc + j, y[r], width);
      }
    }
  }
}

template <int M>
static void gemv_columns(int64_t from, int64_t to, int64_t k, const float* a, int64_t lda, const float* b, int64_t ldb, float* c,
                         int64_t ldc) {
  constexpr int kDepth = M == 1 ? 8 : 4;
  int64_t p = 0;
  for (; p + kDepth <= k; p += kDepth) gemv_add<M, kDepth>(from, to, a + p, lda, b + p * ldb, ldb, c, ldc, p > 0);
  for (; p < k; ++p) gemv_add<M, 1>(from, to, a + p, lda, b + p * ldb, ldb, c, ldc, p > 0);
}

static void gemv(bool tb, int64_t m, int64_t n, int64_t k, const float* a, int64_t lda, const float* b, int64_t ldb, float* c,
                 int64_t ldc, const float* bias, int32_t activation) {
  // Parts are whole vectors, so that a column is computed alike wherever the cut falls.
  const int64_t groups = (n + 15) / 16;
  parallel_for(groups, (32768 + 16 * k - 1) / (16 * k), [&](int64_t begin, int64_t end) {
    const int64_t from = begin * 16, to = end * 16 < n ? end * 16 : n;
    const auto part = tb ? (m == 1 ? &gemv_rows<1> : m == 2 ? &gemv_rows<2> : m == 3 ? &gemv_rows<3> : &gemv_rows<4>)
                         : (m == 1 ? &gemv_columns<1> : m == 2 ? &gemv_columns<2> : m == 3 ? &gemv_columns<3> : &gemv_columns<4>);
    part(from, to, k, a, lda, b, ldb, c, ldc);
    for (int64_t r = 0; r < m; ++r) {
      float* const row = c + r * ldc;
      if (bias != nullptr) {
        for (int64_t j = from; j < to; ++j) row[j] += bias[j];
      }
      activate_row(row + from, to - from, activation);
    }
  });
}

}  // namespace weft::WEFT_ISA
