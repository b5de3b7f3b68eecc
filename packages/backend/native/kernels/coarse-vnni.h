// Coarse logits with the byte dot products of AVX-512 VNNI, which multiply unsigned bytes, of the weight, by signed ones.
#pragma once

#include "../runtime/parallel.h"
#include "coarse.h"

namespace weft::WEFT_ISA {

// Rows of bytes that a tile multiplies at a time: with two vectors of the weight's rows as many sums as the registers hold.
constexpr int64_t kByteRows = 14;

// Rows of x as one or two digits of base 256 each, every digit a row of signed bytes.
struct ByteRows {
  int64_t m, digits, depth;
  const int8_t* bytes;     // panel by panel, in each four of k by four, those of its rows side by side
  const int32_t* starts;   // of each row of bytes: what the sums begin with, against the 128 in the weight's bytes
  const float* scales;     // of each row of x
  int64_t panels() const { return (m + kByteRows / digits - 1) / (kByteRows / digits); }
  int64_t panel_start(int64_t panel) const { return m * panel / panels(); }  // in rows of x
};

// sums[R][32] of R rows of bytes and 32 rows of the weight.
template <int R>
static void byte_tile(int64_t depth, const int8_t* x, const int8_t* w, const int32_t* starts, int32_t* sums) {
  __m512i acc[R][2];
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) acc[r][0] = acc[r][1] = _mm512_set1_epi32(starts[r]);
  const int8_t* const second = w + 16 * depth;
  for (int64_t p = 0; p < depth; p += 4) {
    const __m512i w0 = _mm512_loadu_si512(w + 16 * p), w1 = _mm512_loadu_si512(second + 16 * p);
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
      int32_t four;
      __builtin_memcpy(&four, x + p * R + 4 * r, sizeof four);
      const __m512i bytes = _mm512_set1_epi32(four);
      acc[r][0] = _mm512_dpbusd_epi32(acc[r][0], w0, bytes);
      acc[r][1] = _mm512_dpbusd_epi32(acc[r][1], w1, bytes);
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) {
    _mm512_storeu_si512(sums + 32 * r, acc[r][0]);
    _mm512_storeu_si512(sums + 32 * r + 16, acc[r][1]);
  }
}

using ByteTile = void (*)(int64_t, const int8_t*, const int8_t*, const int32_t*, int32_t*);
constexpr ByteTile kByteTiles[kByteRows] = {byte_tile<1>,  byte_tile<2>,  byte_tile<3>,  byte_tile<4>,  byte_tile<5>,
                                            byte_tile<6>,  byte_tile<7>,  byte_tile<8>,  byte_tile<9>,  byte_tile<10>,
                                            byte_tile<11>, byte_tile<12>, byte_tile<13>, byte_tile<14>};

// Coarse products of all rows with the 32 rows of the weight that begin at `column`: y[r * n + column + ..], n at most of each.
static void byte_products(const ByteRows& x, const Coarse& coarse, int64_t column, int64_t n, float* y) {
  const int8_t* const w = coarse.bytes + column * x.depth;
  int32_t sums[kByteRows * 32];
  for (int64_t panel = 0; panel < x.panels(); ++panel) {
    const int64_t first = x.panel_start(panel), rows = x.panel_start(panel + 1) - first;
    const int64_t count = rows * x.digits;
    kByteTiles[count - 1](x.depth, x.bytes + first * x.digits * x.depth, w, x.starts + first * x.digits, sums);
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t i = 0; i < 32 && column + i < n; i += kLanes) {
        const int32_t* const from = sums + 32 * r * x.digits + i;
        Vec sum = to_float(load(from));
        if (x.digits == 2) sum = fma(to_float(load(from + 32)), set1(256), sum);
        const Vec value = sum * (load(coarse.scale + column + i) * set1(x.scales[first + r]));
        float* const to = y + (first + r) * n + column + i;
        const int64_t left = n - column - i;
        if (left >= kLanes) {
          store(to, value);
        } else {
          store_n(to, value, left);
        }
      }
    }
  }
}

// Of each row of x its bytes, into `bytes`, `starts` and `scales`, and the Euclidean norms of what is lost and of the row.
static ByteRows split_rows(const float* x, int64_t m, int64_t k, int64_t digits, float* lost, float* norms, int8_t* bytes,
                           int32_t* starts, float* scales) {
  const ByteRows rows{m, digits, coarse_depth(k), bytes, starts, scales};
  const float most = digits == 1 ? 127.0f : 127.0f * 256.0f;
  const auto split = [=](int64_t r, int64_t place, int64_t count, int8_t* to) {
    const float* const from = x + r * k;
    const float largest = largest_magnitude(from, k), scale = largest / most, inverse = most / largest;
    double errors = 0, squares = 0;
    int32_t sums[2] = {};
    for (int64_t p = 0; p < k; ++p) {
      const int32_t whole = static_cast<int32_t>(__builtin_rintf(from[p] * inverse));
      const double value = static_cast<double>(from[p]), difference = value - static_cast<double>(scale) * whole;
      errors += difference * difference;
      squares += value * value;
      const int32_t low = digits == 1 ? whole : static_cast<int8_t>(whole & 255);
      const int32_t parts[2] = {low, (whole - low) / 256};
      for (int64_t d = 0; d < digits; ++d) {
        to[p / 4 * 4 * count + 4 * (place + d) + p % 4] = static_cast<int8_t>(parts[d]);
        sums[d] += parts[d];
      }
    }
    for (int64_t d = 0; d < digits; ++d) starts[r * digits + d] = -128 * sums[d];
    scales[r] = scale;
    lost[r] = static_cast<float>(__builtin_sqrt(errors)) * kUpwards;
    norms[r] = static_cast<float>(__builtin_sqrt(squares)) * kUpwards;
  };
  parallel_for(rows.panels(), 1, [=](int64_t begin, int64_t end) {
    for (int64_t panel = begin; panel < end; ++panel) {
      const int64_t first = rows.panel_start(panel), count = (rows.panel_start(panel + 1) - first) * digits;
      int8_t* const to = bytes + first * digits * rows.depth;
      __builtin_memset(to, 0, static_cast<size_t>(count * rows.depth));
      for (int64_t place = 0; place < count; place += digits) split(first + place / digits, place, count, to);
    }
  });
  return rows;
}

}  // namespace weft::WEFT_ISA
