// The innermost part of the matrix multiplication: one tile of C in registers.
#pragma once

#include "../runtime/simd.h"

namespace weft::WEFT_ISA {

// Rows and vectors of the largest tile: as many accumulators as the registers hold beside one row of B.
#if defined(WEFT_ISA_AVX512)
constexpr int kTileRows = 14, kTileVectors = 2;
#elif defined(WEFT_ISA_NEON)
constexpr int kTileRows = 8, kTileVectors = 3;
#else
constexpr int kTileRows = 6, kTileVectors = 2;
#endif
constexpr int64_t kTileColumns = kTileVectors * kLanes;

struct TileStore {
  float* c;
  int64_t ldc;
  const float* bias;  // of the tile's first column, or null
  bool add;           // add to what C holds
  int64_t last;       // columns of the last vector that exist
  // What the next tiles read, fetched into the second-level cache while this one multiplies: `step` floats for each of its
  // depth.
  const float* ahead;
  int64_t step;
};

// C tile = packed A [kc][R] times packed B [kc][NV * kLanes].
template <int R, int NV>
static void tile(int64_t kc, const float* a, const float* b, const TileStore& out) {
  Vec acc[R][NV];
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < NV; ++v) acc[r][v] = zero();
  }
  // Where the sums go is in no cache yet, as a rule.
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < NV; ++v) __builtin_prefetch(out.c + r * out.ldc + v * kLanes, 1, 3);
  }
  const float* ahead = out.ahead;
  for (int64_t p = 0; p < kc; ++p) {
    __builtin_prefetch(ahead, 0, 2);
    ahead += out.step;
    Vec row[NV];
#pragma GCC unroll 4
    for (int v = 0; v < NV; ++v) row[v] = load(b + v * kLanes);
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
      const Vec x = set1(a[r]);
#pragma GCC unroll 4
      for (int v = 0; v < NV; ++v) acc[r][v] = fma(x, row[v], acc[r][v]);
    }
    a += R;
    b += NV * kLanes;
  }
#pragma GCC unroll 4
  for (int v = 0; v < NV; ++v) {
    const bool whole = v + 1 < NV || out.last == kLanes;
    const int64_t width = whole ? kLanes : out.last;
    const Vec bias = out.bias == nullptr ? zero() : whole ? load(out.bias + v * kLanes) : load_n(out.bias + v * kLanes, width);
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
      float* const c = out.c + r * out.ldc + v * kLanes;
      Vec x = acc[r][v] + bias;
      if (whole) {
        if (out.add) x = x + load(c);
        store(c, x);
      } else {
        if (out.add) x = x + load_n(c, width);
        store_n(c, x, width);
      }
    }
  }
}

using TileFunction = void (*)(int64_t, const float*, const float*, const TileStore&);

template <int R>
static TileFunction tile_of_vectors(int vectors) {
  if (vectors == 1) return &tile<R, 1>;
  if constexpr (kTileVectors > 2) {
    if (vectors == 3) return &tile<R, 3>;
  }
  return &tile<R, 2>;
}

static TileFunction tile_function(int64_t rows, int vectors) {
  switch (rows) {
    case 1: return tile_of_vectors<1>(vectors);
    case 2: return tile_of_vectors<2>(vectors);
    case 3: return tile_of_vectors<3>(vectors);
    case 4: return tile_of_vectors<4>(vectors);
    case 5: return tile_of_vectors<5>(vectors);
    case 6: return tile_of_vectors<6>(vectors);
#if defined(WEFT_ISA_AVX512) || defined(WEFT_ISA_NEON)
    case 7: return tile_of_vectors<7>(vectors);
    case 8: return tile_of_vectors<8>(vectors);
#endif
#if defined(WEFT_ISA_AVX512)
    case 9: return tile_of_vectors<9>(vectors);
    case 10: return tile_of_vectors<10>(vectors);
    case 11: return tile_of_vectors<11>(vectors);
    case 12: return tile_of_vectors<12>(vectors);
    case 13: return tile_of_vectors<13>(vectors);
    case 14: return tile_of_vectors<14>(vectors);
#endif
    default: return nullptr;
  }
}

}  // namespace weft::WEFT_ISA
