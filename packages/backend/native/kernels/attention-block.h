// One block of attention scores: kQueries queries against up to kKeys keys.
//
// Scores are held transposed, [keys][kQueries]: queries lie in the lanes of vectors. Maxima, sums and exponentials over
// keys are then plain vector operations, and the block is, as it stands, an operand of each multiplication that follows.
#pragma once

#include "philox.h"
#include "vector-log.h"

namespace weft::WEFT_ISA {

// Rows and vectors of a tile: as many accumulators as the registers hold. kKeys is a multiple of kRows and of four.
#if defined(WEFT_ISA_AVX512)
constexpr int kRows = 14, kVectors = 2;
constexpr int64_t kKeys = 112;
#elif defined(WEFT_ISA_NEON)
constexpr int kRows = 10, kVectors = 2;
constexpr int64_t kKeys = 120;
#else
constexpr int kRows = 6, kVectors = 2;
constexpr int64_t kKeys = 120;
#endif
constexpr int64_t kQueries = kVectors * kLanes;
constexpr float kLowest = -3.4028234663852886e38f;

struct Attention {
  const float *query, *key, *value, *padding, *bias;
  int64_t batch, queries, capacity, keys, heads, key_heads, head_size, value_size, bias_batch, bias_heads;
  float scale;
  bool causal, dropout;
  PhiloxKey philox;
};

// The first key that query i does not see.
WEFT_INLINE int64_t visible(const Attention& t, int64_t i) {
  if (!t.causal) return t.keys;
  const int64_t end = i + t.keys - t.queries + 1;
  return end < 0 ? 0 : end < t.keys ? end : t.keys;
}

WEFT_INLINE int64_t round_up(int64_t n, int64_t to) { return (n + to - 1) / to * to; }

// C [R][NV * kLanes] (+)= A B over a depth of kc; A(r, p) = a[r * RS + p * a_step], B(p, :) = b[p * ldb].
template <int R, int NV, int RS>
static void block_tile(int64_t kc, const float* a, int64_t a_step, const float* b, int64_t ldb, float* c, int64_t ldc, bool add) {
  Vec acc[R][NV];
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < NV; ++v) acc[r][v] = zero();
  }
  for (int64_t p = 0; p < kc; ++p) {
    Vec row[NV];
#pragma GCC unroll 4
    for (int v = 0; v < NV; ++v) row[v] = load(b + v * kLanes);
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
      const Vec x = set1(a[r * RS]);
#pragma GCC unroll 4
      for (int v = 0; v < NV; ++v) acc[r][v] = fma(x, row[v], acc[r][v]);
    }
    a += a_step;
    b += ldb;
  }
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < NV; ++v) {
      float* const to = c + r * ldc + v * kLanes;
      store(to, add ? load(to) + acc[r][v] : acc[r][v]);
    }
  }
}

// S[n rounded up to kRows][kQueries] = packed keys times packed queries, over `size` dimensions.
WEFT_INLINE void scores(int64_t n, int64_t size, const float* panels, const float* columns, float* s) {
  for (int64_t j = 0; j < n; j += kRows) {
    block_tile<kRows, kVectors, 1>(size, panels + j * size, kRows, columns, kQueries, s + j * kQueries, kQueries, false);
  }
}

// OT [size][kQueries] += A^T S for rows of A [n][lda].
template <int R>
static void add_dimensions_of(int64_t n, const float* a, int64_t lda, const float* s, float* out) {
  block_tile<R, kVectors, 1>(n, a, lda, s, kQueries, out, kQueries, true);
}
static void add_dimensions(int64_t n, int64_t size, const float* a, int64_t lda, const float* s, float* out) {
  const int64_t panels = (size + kRows - 1) / kRows;
  for (int64_t i = 0; i < panels; ++i) {
    const int64_t d = size * i / panels, rows = size * (i + 1) / panels - d;
    switch (rows) {
#define WEFT_CASE(R) case R: if constexpr (R <= kRows) add_dimensions_of<R <= kRows ? R : 1>(n, a + d, lda, s, out + d * kQueries); break;
      WEFT_CASE(1) WEFT_CASE(2) WEFT_CASE(3) WEFT_CASE(4) WEFT_CASE(5) WEFT_CASE(6) WEFT_CASE(7)
      WEFT_CASE(8) WEFT_CASE(9) WEFT_CASE(10) WEFT_CASE(11) WEFT_CASE(12) WEFT_CASE(13) WEFT_CASE(14)
#undef WEFT_CASE
      default: break;
    }
  }
}

// OUT [n rounded up to kRows][ld] += S X for rows of X [queries][ld], `size` columns rounded up to vectors.
[[maybe_unused]] static void add_keys(int64_t n, int64_t queries, int64_t size, const float* s, const float* x, int64_t ld,
                                      float* out) {
  for (int64_t j = 0; j < n; j += kRows) {
    int64_t d = 0;
    for (; d + (kVectors - 1) * kLanes < size; d += kVectors * kLanes) {
      block_tile<kRows, kVectors, kQueries>(queries, s + j * kQueries, 1, x + d, ld, out + j * ld + d, ld, true);
    }
    for (; d < size; d += kLanes) {
      block_tile<kRows, 1, kQueries>(queries, s + j * kQueries, 1, x + d, ld, out + j * ld + d, ld, true);
    }
  }
}

// to[p * width + r] = factor * from[r * ld + p] for r < rows, zero up to `width` (a multiple of kLanes).
static void pack_columns(const float* from, int64_t ld, int64_t rows, int64_t size, int64_t width, float factor, float* to) {
  const Vec f = set1(factor);
  for (int64_t r = 0; r < width; r += kLanes) {
    for (int64_t p = 0; p < size; p += kLanes) {
      const int64_t depth = size - p < kLanes ? size - p : kLanes;
      Vec block[kLanes];
      for (int64_t i = 0; i < kLanes; ++i) {
        const float* const row = from + (r + i) * ld + p;
        block[i] = r + i >= rows ? zero() : f * (depth == kLanes ? load(row) : load_n(row, depth));
      }
      transpose(block);
      for (int64_t i = 0; i < depth; ++i) store(to + (p + i) * width + r, block[i]);
    }
  }
}

// Panels of kRows keys, [size][kRows] each, zero beyond the rows that exist.
static void pack_panels(const float* from, int64_t ld, int64_t rows, int64_t size, float* to) {
  for (int64_t j = 0; j < rows; j += kRows) {
    float* const panel = to + j * size;
    const int64_t height = rows - j < kRows ? rows - j : kRows;
    for (int64_t p = 0; p < size; p += kLanes) {
      const int64_t depth = size - p < kLanes ? size - p : kLanes;
      for (int64_t r = 0; r < kRows; r += kLanes) {
        Vec block[kLanes];
        for (int64_t i = 0; i < kLanes; ++i) {
          const float* const row = from + (j + r + i) * ld + p;
          block[i] = r + i >= height ? zero() : depth == kLanes ? load(row) : load_n(row, depth);
        }
        transpose(block);
        const int64_t width = kRows - r < kLanes ? kRows - r : kLanes;
        for (int64_t i = 0; i < depth; ++i) store_n(panel + (p + i) * kRows + r, block[i], width);
      }
    }
  }
}

// to [rows][ld_to] = factor * from, zero in the columns from `size` up to ld_to.
static void copy_rows(const float* from, int64_t ld, int64_t rows, int64_t size, float factor, float* to, int64_t ld_to) {
  const Vec f = set1(factor);
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t p = 0; p < ld_to; p += kLanes) {
      const int64_t left = size - p;
      store(to + r * ld_to + p, left >= kLanes ? f * load(from + r * ld + p) : left > 0 ? f * load_n(from + r * ld + p, left) : zero());
    }
  }
}

// to[i * ld + d] = from[d * kQueries + i] * factor[i] for i < rows.
static void unpack_columns(const float* from, int64_t rows, int64_t size, const float* factor, float* to, int64_t ld) {
  for (int64_t r = 0; r < rows; r += kLanes) {
    const int64_t height = rows - r < kLanes ? rows - r : kLanes;
    const Vec f = load(factor + r);
    for (int64_t p = 0; p < size; p += kLanes) {
      const int64_t depth = size - p < kLanes ? size - p : kLanes;
      Vec block[kLanes];
      for (int64_t i = 0; i < kLanes; ++i) block[i] = i < depth ? load(from + (p + i) * kQueries + r) * f : zero();
      transpose(block);
      for (int64_t i = 0; i < height; ++i) store_n(to + (r + i) * ld + p, block[i], depth);
    }
  }
}

// s[j][i] += bias[i][j] for i < rows, j < n.
static void add_bias(const float* bias, int64_t ld, int64_t rows, int64_t n, float* s) {
  for (int64_t r = 0; r < rows; r += kLanes) {
    for (int64_t j = 0; j < n; j += kLanes) {
      const int64_t depth = n - j < kLanes ? n - j : kLanes;
      Vec block[kLanes];
      for (int64_t i = 0; i < kLanes; ++i) block[i] = r + i < rows ? load_n(bias + (r + i) * ld + j, depth) : zero();
      transpose(block);
      for (int64_t i = 0; i < depth; ++i) {
        float* const to = s + (j + i) * kQueries + r;
        store(to, load(to) + block[i]);
      }
    }
  }
}

// dbias[i][j] += s[j][i].
[[maybe_unused]] static void add_to_bias(const float* s, int64_t rows, int64_t n, float* dbias, int64_t ld) {
  for (int64_t r = 0; r < rows; r += kLanes) {
    const int64_t height = rows - r < kLanes ? rows - r : kLanes;
    for (int64_t j = 0; j < n; j += kLanes) {
      const int64_t depth = n - j < kLanes ? n - j : kLanes;
      Vec block[kLanes];
      for (int64_t i = 0; i < kLanes; ++i) block[i] = i < depth ? load(s + (j + i) * kQueries + r) : zero();
      transpose(block);
      for (int64_t i = 0; i < height; ++i) {
        float* const to = dbias + (r + i) * ld + j;
        store_n(to, load_n(to, depth) + block[i], depth);
      }
    }
  }
}

// Bias and masks on the scores of `rows` queries from i0 and n keys from j0. What padding hides becomes the lowest
// number, what causality hides minus infinity.
static void mask_scores(const Attention& t, int64_t b, int64_t h, int64_t i0, int64_t rows, int64_t j0, int64_t n, float* s) {
  if (t.bias != nullptr) {
    const int64_t plane = (t.bias_batch == 1 ? 0 : b) * t.bias_heads + (t.bias_heads == 1 ? 0 : h);
    add_bias(t.bias + (plane * t.queries + i0) * t.keys + j0, t.keys, rows, n, s);
  }
  if (t.padding != nullptr) {
    const float* const keep = t.padding + b * t.keys + j0;
    for (int64_t j = 0; j < n; ++j) {
      if (keep[j] != 0) continue;
      for (int v = 0; v < kVectors; ++v) store(s + j * kQueries + v * kLanes, set1(kLowest));
    }
  }
  if (!t.causal) return;
  const Vec hidden = set1(-__builtin_inff());
  const int64_t first = visible(t, i0) - j0;
  for (int64_t j = first < 0 ? 0 : first; j < n; ++j) {
    // Query i0 + lane sees key j0 + j from this lane on.
    const VecI from = set1_i(static_cast<int32_t>(j0 + j - (t.keys - t.queries) - i0));
    for (int v = 0; v < kVectors; ++v) {
      float* const at = s + j * kQueries + v * kLanes;
      store(at, select(gt(from, iota() + set1_i(static_cast<int32_t>(v * kLanes))), hidden, load(at)));
    }
  }
}

// Where the elements of kQueries queries stand in the counter-based mask: their index at key 0, in two words.
struct MaskLanes {
  VecI low[kVectors], high[kVectors];
};

static void mask_lanes(const Attention& t, int64_t b, int64_t h, int64_t i0, MaskLanes* to) {
  int32_t low[kQueries], high[kQueries];
  for (int64_t i = 0; i < kQueries; ++i) {
    const uint64_t index = static_cast<uint64_t>((b * t.heads + h) * t.queries + i0 + i) * static_cast<uint64_t>(t.keys);
    low[i] = static_cast<int32_t>(static_cast<uint32_t>(index));
    high[i] = static_cast<int32_t>(static_cast<uint32_t>(index >> 32));
  }
  for (int v = 0; v < kVectors; ++v) {
    to->low[v] = load(low + v * kLanes);
    to->high[v] = load(high + v * kLanes);
  }
}

// Multipliers of the keys j..j+3, for vector v of queries; j is a multiple of four.
static void mask_four(const Attention& t, const MaskLanes& lanes, int v, int64_t j, Vec (&m)[4]) {
  const VecI sign = set1_i(INT32_MIN);
  const bool aligned = t.keys % 4 == 0;
  for (int k = 0; k < 4; ++k) {
    const VecI low = lanes.low[v] + set1_i(static_cast<int32_t>(j + k));
    const VecI high = select(gt(lanes.low[v] ^ sign, low ^ sign), lanes.high[v] + set1_i(1), lanes.high[v]);
    VecI words[4];
    philox(t.philox, shr<2>(low) | shl<30>(high), shr<2>(high), words);
    if (aligned) {
      for (int w = 0; w < 4; ++w) m[w] = philox_multiplier(t.philox, words[w]);
      return;
    }
    const VecI word = low & set1_i(3);
    const VecI lower = select(eq(word, zero_i()), words[0], words[1]), upper = select(eq(word, set1_i(2)), words[2], words[3]);
    m[k] = philox_multiplier(t.philox, select(gt(word, set1_i(1)), upper, lower));
  }
}

}  // namespace weft::WEFT_ISA
