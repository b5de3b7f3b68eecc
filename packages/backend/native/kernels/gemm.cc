#include "gemm.h"

#include "../runtime/simd.h"
#include "activate.h"
#include "gemm-pack.h"
#include "gemm-tile.h"
#include "gemv.h"

namespace weft::WEFT_ISA {
namespace {

// Depth of one pass: a panel of B of this depth stays in the second-level cache, beside a block of A.
constexpr int64_t kDepth = 768;
// Rows of A, or columns of B, that are packed at a time for all threads: with kDepth they fit in the last-level cache.
constexpr int64_t kShared = 2016;
// Panels of A that a task packs for itself.
constexpr int64_t kBlockPanels = 8;
// Rows of A up to which reading B in time counts.
constexpr int64_t kFewRows = 256;
// Multiplications below which a second thread does not pay.
constexpr int64_t kSerial = 96 * 96 * 96;

struct Gemm {
  bool ta, tb;
  int64_t m, n, k;
  const float* a;
  int64_t lda;
  const float* b;
  int64_t ldb;
  float* c;
  int64_t ldc;
  const float* bias;
  int32_t activation;
  bool accumulate;
};

// One pass: depth [p, p + kc), the last of k where p + kc = k.
struct Pass {
  int64_t p, kc;
};

WEFT_INLINE int64_t passes_of(int64_t k) { return (k + kDepth - 1) / kDepth; }
WEFT_INLINE Pass pass_of(int64_t k, int64_t i) {
  const int64_t p = k * i / passes_of(k);
  return {p, k * (i + 1) / passes_of(k) - p};
}
WEFT_INLINE int64_t strips_of(int64_t columns) { return (columns + kTileColumns - 1) / kTileColumns; }
WEFT_INLINE int64_t padded_columns(int64_t n) { return (n + kLanes - 1) / kLanes * kLanes; }
// Panels of nearly equal height: panel i of `count` begins at row i * m / count.
WEFT_INLINE int64_t panel_start(int64_t m, int64_t count, int64_t i) { return m * i / count; }

void pack_a(const Gemm& g, int64_t row, int64_t rows, Pass pass, float* to) {
  if (g.ta) {
    pack_a_columns(g.a + pass.p * g.lda + row, g.lda, rows, pass.kc, to);
  } else {
    pack_a_rows(g.a + row * g.lda + pass.p, g.lda, rows, pass.kc, to);
  }
}

// The strip of B that begins at `column`.
void pack_b(const Gemm& g, int64_t column, Pass pass, float* to) {
  const int64_t columns = g.n - column < kTileColumns ? g.n - column : kTileColumns;
  const int64_t vectors = (columns + kLanes - 1) / kLanes;
  if (g.tb) {
    // Many rows of A leave the processor time enough to wait; what it has in its caches is worth more then.
    const int64_t ahead = g.m <= kFewRows ? kTileColumns * g.ldb : 0;
    pack_b_columns(g.b + column * g.ldb + pass.p, g.ldb, columns, vectors, pass.kc, ahead, to);
  } else {
    pack_b_rows(g.b + pass.p * g.ldb + column, g.ldb, columns, vectors, pass.kc, to);
  }
}

struct Ahead {
  const float* from;
  int64_t step;
};

// One tile of C; `ahead` is fetched meanwhile.
WEFT_INLINE void one_tile(const Gemm& g, int64_t row, int64_t height, int64_t column, Pass pass, const float* a, const float* b,
                          Ahead ahead) {
  const int64_t columns = g.n - column < kTileColumns ? g.n - column : kTileColumns;
  const int64_t vectors = (columns + kLanes - 1) / kLanes;
  const bool last = pass.p + pass.kc == g.k;
  float* const c = g.c + row * g.ldc + column;
  const TileStore out{c, g.ldc, last && g.bias != nullptr ? g.bias + column : nullptr, g.accumulate || pass.p > 0,
                      columns - (vectors - 1) * kLanes, ahead.from, ahead.step};
  tile_function(height, static_cast<int>(vectors))(pass.kc, a, b, out);
  if (!last || g.activation == kActNone) return;
  for (int64_t r = 0; r < height; ++r) activate_row(c + r * g.ldc, columns, g.activation);
}

// How the work of one pass is cut: blocks of rows, which need nothing of each other, so that no thread waits between
// packing A and multiplying, and no packed row of A leaves the core's own cache; where rows are few, columns too.
struct Cut {
  int64_t panels, blocks, parts;
};

Cut cut_of(int64_t m, int64_t strips, int64_t threads) {
  const int64_t panels = (m + kTileRows - 1) / kTileRows;
  int64_t blocks = (panels + kBlockPanels - 1) / kBlockPanels;
  if (blocks > 1) blocks = (blocks + threads - 1) / threads * threads;
  if (blocks > panels) blocks = panels;
  // Each part of a block packs its rows again: a few rows afford one part a thread.
  const int64_t tasks = panels <= 4 ? threads : 2 * threads;
  int64_t parts = threads == 1 ? 1 : (tasks + blocks - 1) / blocks;
  if (parts > strips) parts = strips;
  return {panels, blocks, parts};
}

// Task `index` of a cut: rows of one block times its part of the strips from `column0` on. packed(strip) is where B's
// strip lies.
template <class F>
WEFT_INLINE void multiply_block(const Gemm& g, const Cut& cut, int64_t index, int64_t column0, int64_t strips, Pass pass,
                                F packed) {
  const int64_t block = index / cut.parts, part = index % cut.parts;
  // Rounded up, so that the first block is among the larger ones: threads that take turns end together.
  const auto bound = [&](int64_t i) { return (cut.panels * i + cut.blocks - 1) / cut.blocks; };
  const int64_t begin = bound(block), end = bound(block + 1);
  const auto start = [&](int64_t panel) { return panel_start(g.m, cut.panels, panel); };
  const int64_t row0 = start(begin);
  float* const rows = scratch(kSlotGemmA, (start(end) - row0) * pass.kc);
  for (int64_t i = begin; i < end; ++i) pack_a(g, start(i), start(i + 1) - start(i), pass, rows + (start(i) - row0) * pass.kc);
  const int64_t last = strips * (part + 1) / cut.parts - 1, count = end - begin;
  for (int64_t strip = strips * part / cut.parts; strip <= last; ++strip) {
    const float* const b = packed(strip);
    const float* const next = packed(strip < last ? strip + 1 : last);
    for (int64_t i = begin; i < end; ++i) {
      // Each panel fetches its share of the next strip.
      const Ahead ahead{next + kTileColumns * pass.kc * (i - begin) / count, kTileColumns / count};
      one_tile(g, start(i), start(i + 1) - start(i), column0 + strip * kTileColumns, pass, rows + (start(i) - row0) * pass.kc, b,
               ahead);
    }
  }
}

template <class F>
WEFT_INLINE void run_tasks(int64_t count, int64_t threads, F task) {
  if (threads > 1) return parallel_tasks(count, task);
  for (int64_t i = 0; i < count; ++i) task(i);
}

void without_depth(const Gemm& g) {
  if (g.accumulate) return;
  for (int64_t i = 0; i < g.m; ++i) {
    for (int64_t j = 0; j < g.n; ++j) g.c[i * g.ldc + j] = g.bias == nullptr ? 0.0f : g.bias[j];
    activate_row(g.c + i * g.ldc, g.n, g.activation);
  }
}

// A tall C: B is packed for all, by groups of columns, and each block of rows packs its part of A.
void multiply_tall(const Gemm& g, int64_t threads) {
  const int64_t all = strips_of(g.n), groups = (g.n + kShared - 1) / kShared;
  for (int64_t group = 0; group < groups; ++group) {
    const int64_t first = all * group / groups, strips = all * (group + 1) / groups - first;
    const Cut cut = cut_of(g.m, strips, threads);
    for (int64_t i = 0; i < passes_of(g.k); ++i) {
      const Pass pass = pass_of(g.k, i);
      float* const packed = scratch(kSlotGemmB, strips * kTileColumns * pass.kc);
      const auto strip_at = [=](int64_t strip) { return packed + strip * kTileColumns * pass.kc; };
      run_tasks(strips, threads, [&](int64_t strip) { pack_b(g, (first + strip) * kTileColumns, pass, strip_at(strip)); });
      run_tasks(cut.blocks * cut.parts, threads, [&](int64_t index) {
        multiply_block(g, cut, index, first * kTileColumns, strips, pass, strip_at);
      });
    }
  }
}

// A wide C: A is packed for all, by groups of rows, and each strip of columns packs its part of B.
void multiply_wide(const Gemm& g, int64_t threads) {
  const int64_t strips = strips_of(g.n), groups = (g.m + kShared - 1) / kShared;
  for (int64_t group = 0; group < groups; ++group) {
    const int64_t row0 = g.m * group / groups, rows = g.m * (group + 1) / groups - row0;
    const int64_t panels = (rows + kTileRows - 1) / kTileRows;
    // Few strips of columns: cut the rows too, so that every thread has work.
    int64_t cuts = strips < 4 * threads && threads > 1 ? (4 * threads + strips - 1) / strips : 1;
    if (cuts > panels) cuts = panels;
    const auto start = [=](int64_t panel) { return panel_start(rows, panels, panel); };
    for (int64_t i = 0; i < passes_of(g.k); ++i) {
      const Pass pass = pass_of(g.k, i);
      float* const packed = scratch(kSlotGemmA, rows * pass.kc);
      const auto pack_panels = [&](int64_t begin, int64_t end) {
        for (int64_t panel = begin; panel < end; ++panel) {
          pack_a(g, row0 + start(panel), start(panel + 1) - start(panel), pass, packed + start(panel) * pass.kc);
        }
      };
      if (threads == 1) {
        pack_panels(0, panels);
      } else {
        parallel_for(panels, (32768 + kTileRows * pass.kc - 1) / (kTileRows * pass.kc), pack_panels);
      }
      run_tasks(strips * cuts, threads, [&](int64_t task) {
        const int64_t strip = task / cuts, cut = task % cuts;
        float* const b = scratch(kSlotGemmB, kTileColumns * pass.kc);
        pack_b(g, strip * kTileColumns, pass, b);
        const int64_t end = panels * (cut + 1) / cuts;
        for (int64_t panel = panels * cut / cuts; panel < end; ++panel) {
          const int64_t height = start(panel + 1) - start(panel);
          const Ahead ahead{packed + start(panel + 1 < end ? panel + 1 : panel) * pass.kc, height};
          one_tile(g, row0 + start(panel), height, strip * kTileColumns, pass, packed + start(panel) * pass.kc, b, ahead);
        }
      });
    }
  }
}

void multiply(const Gemm& g, int64_t most_threads) {
  if (g.m <= 0 || g.n <= 0) return;
  if (g.k <= 0) return without_depth(g);
  if (!g.ta && g.m <= (g.tb ? kGemvRows : kGemvRows / 2) && !g.accumulate) {
    gemv(g.tb, g.m, g.n, g.k, g.a, g.lda, g.b, g.ldb, g.c, g.ldc, g.bias, g.activation);
    return;
  }
  const int64_t threads = g.m * g.n * g.k < kSerial ? 1 : most_threads;
  if (g.m > g.n) {
    multiply_tall(g, threads);
  } else {
    multiply_wide(g, threads);
  }
}

}  // namespace

int64_t packed_floats(int64_t n, int64_t k) { return padded_columns(n) * k; }

// Pass after pass, in each the strips one after the other.
void pack_weight(bool tb, int64_t n, int64_t k, const float* b, float* packed) {
  const Gemm g{false, tb, 0, n, k, nullptr, 0, b, tb ? k : n, nullptr, 0, nullptr, kActNone, false};
  const int64_t strips = strips_of(n);
  parallel_for(strips * passes_of(k), 1, [&](int64_t begin, int64_t end) {
    for (int64_t index = begin; index < end; ++index) {
      const Pass pass = pass_of(k, index / strips);
      const int64_t column = index % strips * kTileColumns;
      pack_b(g, column, pass, packed + pass.p * padded_columns(n) + column * pass.kc);
    }
  });
}

void packed_linear(int64_t m, int64_t n, int64_t k, const float* a, const float* packed, float* c, const float* bias,
                   int32_t activation) {
  const Gemm g{false, false, m, n, k, a, k, nullptr, 0, c, n, bias, activation, false};
  if (m <= 0 || n <= 0) return;
  if (k <= 0) return without_depth(g);
  const int64_t threads = m * n * k < kSerial ? 1 : num_threads(), strips = strips_of(n);
  const Cut cut = cut_of(m, strips, threads);
  run_tasks(cut.blocks * cut.parts, threads, [&](int64_t index) {
    for (int64_t i = 0; i < passes_of(k); ++i) {
      const Pass pass = pass_of(k, i);
      multiply_block(g, cut, index, 0, strips, pass, [=](int64_t strip) {
        return packed + pass.p * padded_columns(n) + strip * kTileColumns * pass.kc;
      });
    }
  });
}

void sgemm(bool ta, bool tb, int64_t m, int64_t n, int64_t k, const float* a, int64_t lda, const float* b, int64_t ldb,
           float* c, int64_t ldc, const float* bias, int32_t activation, bool accumulate) {
  multiply(Gemm{ta, tb, m, n, k, a, lda, b, ldb, c, ldc, bias, activation, accumulate}, num_threads());
}

void batch_matmul(bool ta, bool tb, int64_t batch, int64_t m, int64_t n, int64_t k, const float* a, const float* b, float* c,
                  const int32_t* indexA, const int32_t* indexB, const float* bias, int32_t activation) {
  const int64_t lda = ta ? m : k, ldb = tb ? k : n;
  const bool side_by_side = batch >= num_threads() && batch > 1 && batch * m * n * k >= kSerial;
  const auto item = [&](int64_t i) {
    const int64_t ia = indexA == nullptr ? i : indexA[i], ib = indexB == nullptr ? i : indexB[i];
    multiply(Gemm{ta, tb, m, n, k, a + ia * m * k, lda, b + ib * k * n, ldb, c + i * m * n, n, bias, activation, false},
             side_by_side ? 1 : num_threads());
  };
  if (side_by_side) {
    parallel_tasks(batch, item);
  } else {
    for (int64_t i = 0; i < batch; ++i) item(i);
  }
}

}  // namespace weft::WEFT_ISA
