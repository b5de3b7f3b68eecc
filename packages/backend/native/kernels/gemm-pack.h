// Copies of parts of A and B in the order in which the tiles read them.
#pragma once

#include "../runtime/simd.h"

namespace weft::WEFT_ISA {

// to[p * rows + r] = A[r][p] for `rows` rows of A that lie `lda` apart.
static void pack_a_rows(const float* a, int64_t lda, int64_t rows, int64_t kc, float* to) {
  const int64_t end = rows * kc;
  for (int64_t first_row = 0; first_row < rows; first_row += kLanes) {
    const int64_t count = rows - first_row < kLanes ? rows - first_row : kLanes;
    for (int64_t p = 0; p < kc; p += kLanes) {
      const int64_t width = kc - p < kLanes ? kc - p : kLanes;
      Vec block[kLanes];
      for (int64_t r = 0; r < kLanes; ++r) {
        const float* from = a + (first_row + r) * lda + p;
        __builtin_prefetch(from + rows * lda, 0, 2);  // the next panel's
        block[r] = r >= count ? zero() : width == kLanes ? load(from) : load_n(from, width);
      }
      transpose(block);
      for (int64_t j = 0; j < width; ++j) {
        const int64_t at = (p + j) * rows + first_row;
        // A whole vector runs over into what the next step writes; only where all rows are in one group.
        if (rows <= kLanes && at + kLanes <= end) {
          store(to + at, block[j]);
        } else {
          store_n(to + at, block[j], count);
        }
      }
    }
  }
}

// The same for A stored transposed: to[p * rows + r] = A[p][r].
static void pack_a_columns(const float* a, int64_t lda, int64_t rows, int64_t kc, float* to) {
  for (int64_t p = 0; p < kc; ++p) {
    const float* from = a + p * lda;
    // Rows lie further apart than the processor foresees.
    __builtin_prefetch(from + 16 * lda, 0, 2);
    int64_t r = 0;
    for (; r + kLanes <= rows; r += kLanes) store(to + r, load(from + r));
    if (r < rows) store_n(to + r, load_n(from + r, rows - r), rows - r);
    to += rows;
  }
}

// to[p * vectors * kLanes + c] = B[p][c] for `columns` columns, zero beyond them.
static void pack_b_rows(const float* b, int64_t ldb, int64_t columns, int64_t vectors, int64_t kc, float* to) {
  const int64_t last = columns - (vectors - 1) * kLanes;
  for (int64_t p = 0; p < kc; ++p) {
    for (int64_t v = 0; v < vectors; ++v) {
      const float* from = b + p * ldb + v * kLanes;
      store(to + v * kLanes, v + 1 < vectors || last == kLanes ? load(from) : load_n(from, last));
    }
    to += vectors * kLanes;
  }
}

// The same for B stored transposed: to[p * vectors * kLanes + c] = B[c][p]. `ahead`, if not 0, is the
// distance to what is packed next.
static void pack_b_columns(const float* b, int64_t ldb, int64_t columns, int64_t vectors, int64_t kc, int64_t ahead, float* to) {
  const int64_t width = vectors * kLanes;
  for (int64_t p = 0; p < kc; p += kLanes) {
    const int64_t depth = kc - p < kLanes ? kc - p : kLanes;
    for (int64_t v = 0; v < vectors; ++v) {
      Vec block[kLanes];
      for (int64_t r = 0; r < kLanes; ++r) {
        const int64_t column = v * kLanes + r;
        const float* from = b + column * ldb + p;
        // The rows of the next strip: so many streams at a time the processor does not foresee.
        if (ahead != 0) __builtin_prefetch(from + ahead, 0, 2);
        block[r] = column >= columns ? zero() : depth == kLanes ? load(from) : load_n(from, depth);
      }
      transpose(block);
      for (int64_t j = 0; j < depth; ++j) store(to + (p + j) * width + v * kLanes, block[j]);
    }
  }
}

}  // namespace weft::WEFT_ISA
