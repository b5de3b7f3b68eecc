#include "gemm.h"

#include "../runtime/simd.h"
#include "activate.h"
#include "gemm-pack.h"
#include "gemm-tile.h"
#include "gemv.h"

namespace weft::WEFT_ISA {
namespace {

// Depth of one pass: a panel of B of this depth stays in the second-level cache while A streams past it.
constexpr int64_t kDepth = 768;
// Rows of A that are packed at a time; together with kDepth they fit in the last-level cache.
constexpr int64_t kRows = 2016;
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

// Panels of nearly equal height: panel i of `count` begins at row i * m / count.
WEFT_INLINE int64_t panel_start(int64_t m, int64_t count, int64_t i) { return m * i / count; }

void pack_a(const Gemm& g, int64_t row, int64_t rows, int64_t p, int64_t kc, float* to) {
  if (g.ta) {
    pack_a_columns(g.a + p * g.lda + row, g.lda, rows, kc, to);
  } else {
    pack_a_rows(g.a + row * g.lda + p, g.lda, rows, kc, to);
  }
}

void pack_b(const Gemm& g, int64_t column, int64_t columns, int64_t vectors, int64_t p, int64_t kc, float* to) {
  if (g.tb) {
    // Many rows of A leave the processor time enough to wait; what it has in its caches is worth more then.
    const int64_t ahead = g.m <= kFewRows ? kTileColumns * g.ldb : 0;
    pack_b_columns(g.b + column * g.ldb + p, g.ldb, columns, vectors, kc, ahead, to);
  } else {
    pack_b_rows(g.b + p * g.ldb + column, g.ldb, columns, vectors, kc, to);
  }
}

// One pass over depth [p, p + kc) for rows [row0, row0 + rows) of C.
void pass(const Gemm& g, int64_t row0, int64_t rows, int64_t p, int64_t kc, bool parallel) {
  const bool first = p == 0, last = p + kc == g.k;
  const int64_t panels = (rows + kTileRows - 1) / kTileRows;
  float* const packed = scratch(kSlotGemmA, rows * kc);
  const auto pack_panels = [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t from = panel_start(rows, panels, i), to = panel_start(rows, panels, i + 1);
      pack_a(g, row0 + from, to - from, p, kc, packed + from * kc);
    }
  };
  const int64_t strips = (g.n + kTileColumns - 1) / kTileColumns;
  const int64_t threads = parallel ? num_threads() : 1;
  // Few strips of columns: cut the rows too, so that every thread has work.
  int64_t cuts = 1;
  if (strips < 4 * threads && threads > 1) {
    cuts = (4 * threads + strips - 1) / strips;
    if (cuts > panels) cuts = panels;
  }
  const auto strip_task = [&](int64_t task) {
    const int64_t strip = task / cuts, cut = task % cuts;
    const int64_t column = strip * kTileColumns;
    const int64_t columns = g.n - column < kTileColumns ? g.n - column : kTileColumns;
    const int64_t vectors = (columns + kLanes - 1) / kLanes;
    float* const panel = scratch(kSlotGemmB, kTileColumns * kc);
    pack_b(g, column, columns, vectors, p, kc, panel);
    for (int64_t i = panels * cut / cuts; i < panels * (cut + 1) / cuts; ++i) {
      const int64_t from = panel_start(rows, panels, i), height = panel_start(rows, panels, i + 1) - from;
      float* const c = g.c + (row0 + from) * g.ldc + column;
      const TileStore out{c, g.ldc, last && g.bias != nullptr ? g.bias + column : nullptr, g.accumulate || !first,
                          columns - (vectors - 1) * kLanes};
      tile_function(height, static_cast<int>(vectors))(kc, packed + from * kc, panel, out);
      if (last && g.activation != kActNone) {
        for (int64_t r = 0; r < height; ++r) activate_row(c + r * g.ldc, columns, g.activation);
      }
    }
  };
  if (threads == 1) {
    pack_panels(0, panels);
    for (int64_t task = 0; task < strips * cuts; ++task) strip_task(task);
    return;
  }
  parallel_for(panels, (32768 + kTileRows * kc - 1) / (kTileRows * kc), pack_panels);
  parallel_tasks(strips * cuts, strip_task);
}

void without_depth(const Gemm& g) {
  if (g.accumulate) return;
  for (int64_t i = 0; i < g.m; ++i) {
    for (int64_t j = 0; j < g.n; ++j) g.c[i * g.ldc + j] = g.bias == nullptr ? 0.0f : g.bias[j];
    activate_row(g.c + i * g.ldc, g.n, g.activation);
  }
}

void multiply(const Gemm& g) {
  if (g.m <= 0 || g.n <= 0) return;
  if (g.k <= 0) return without_depth(g);
  if (!g.ta && g.m <= (g.tb ? kGemvRows : kGemvRows / 2) && !g.accumulate) {
    gemv(g.tb, g.m, g.n, g.k, g.a, g.lda, g.b, g.ldb, g.c, g.ldc, g.bias, g.activation);
    return;
  }
  const bool parallel = g.m * g.n * g.k >= kSerial;
  const int64_t passes = (g.k + kDepth - 1) / kDepth;
  for (int64_t row = 0; row < g.m; row += kRows) {
    const int64_t rows = g.m - row < kRows ? g.m - row : kRows;
    for (int64_t i = 0; i < passes; ++i) {
      const int64_t p = g.k * i / passes;
      pass(g, row, rows, p, g.k * (i + 1) / passes - p, parallel);
    }
  }
}

}  // namespace

void sgemm(bool ta, bool tb, int64_t m, int64_t n, int64_t k, const float* a, int64_t lda, const float* b, int64_t ldb,
           float* c, int64_t ldc, const float* bias, int32_t activation, bool accumulate) {
  multiply(Gemm{ta, tb, m, n, k, a, lda, b, ldb, c, ldc, bias, activation, accumulate});
}

void batch_matmul(bool ta, bool tb, int64_t batch, int64_t m, int64_t n, int64_t k, const float* a, const float* b, float* c,
                  const int32_t* indexA, const int32_t* indexB, const float* bias, int32_t activation) {
  const int64_t lda = ta ? m : k, ldb = tb ? k : n;
  const auto item = [&](int64_t i) {
    const int64_t ia = indexA == nullptr ? i : indexA[i], ib = indexB == nullptr ? i : indexB[i];
    multiply(Gemm{ta, tb, m, n, k, a + ia * m * k, lda, b + ib * k * n, ldb, c + i * m * n, n, bias, activation, false});
  };
  if (batch >= num_threads() && batch > 1 && batch * m * n * k >= kSerial) {
    parallel_tasks(batch, item);
  } else {
    for (int64_t i = 0; i < batch; ++i) item(i);
  }
}

}  // namespace weft::WEFT_ISA
