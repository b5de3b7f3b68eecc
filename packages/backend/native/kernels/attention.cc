#include "attention.h"

#include "attention-block.h"
#include "attention-few.h"

namespace weft::WEFT_ISA {
namespace {

// What one block of queries gathers on its way over the keys.
struct State {
  Vec maximum[kVectors], total[kVectors];
};

// Scores to probabilities above the running maximum; the sums so far move to the new maximum.
void soften(const Attention& t, const MaskLanes& lanes, int64_t j0, int64_t n, float* s, State* state, float* out) {
  Vec shift[kVectors], factor[kVectors];
  bool moved = false;
  for (int v = 0; v < kVectors; ++v) {
    Vec best = state->maximum[v];
    for (int64_t j = 0; j < n; ++j) best = max(load(s + j * kQueries + v * kLanes), best);
    shift[v] = best;
    factor[v] = exp(state->maximum[v] - best);
    moved = moved || !all(eq(state->maximum[v], best));
    state->maximum[v] = best;
  }
  if (moved) {
    for (int v = 0; v < kVectors; ++v) {
      state->total[v] = state->total[v] * factor[v];
      for (int64_t d = 0; d < t.value_size; ++d) {
        float* const at = out + d * kQueries + v * kLanes;
        store(at, load(at) * factor[v]);
      }
    }
  }
  for (int v = 0; v < kVectors; ++v) {
    Vec a = zero(), b = zero();
    int64_t j = 0;
    for (; j + 2 <= n; j += 2) {
      float* const at = s + j * kQueries + v * kLanes;
      const Vec p = exp(load(at) - shift[v]), q = exp(load(at + kQueries) - shift[v]);
      store(at, p);
      store(at + kQueries, q);
      a += p;
      b += q;
    }
    if (j < n) {
      float* const at = s + j * kQueries + v * kLanes;
      const Vec p = exp(load(at) - shift[v]);
      store(at, p);
      a += p;
    }
    state->total[v] += a + b;
    if (!t.dropout) continue;
    for (j = 0; j < n; j += 4) {
      Vec m[4];
      mask_four(t, lanes, v, j0 + j, m);
      for (int64_t k = 0; k < 4 && j + k < n; ++k) {
        float* const at = s + (j + k) * kQueries + v * kLanes;
        store(at, load(at) * m[k]);
      }
    }
  }
}

// Queries [i0, i0 + rows) of one head against all its keys.
void query_block(const Attention& t, int64_t b, int64_t h, int64_t i0, int64_t rows, const float* panels, const float* values,
                 int64_t ld_values, float* columns, float* s, float* out, float* y, float* log_sum_exp) {
  const int64_t ldq = t.heads * t.head_size, ldy = t.heads * t.value_size;
  pack_columns(t.query + (b * t.queries + i0) * ldq + h * t.head_size, ldq, rows, t.head_size, kQueries, t.scale, columns);
  State state;
  for (int v = 0; v < kVectors; ++v) {
    state.maximum[v] = set1(kLowest);
    state.total[v] = zero();
  }
  for (int64_t d = 0; d < t.value_size * kQueries; d += kLanes) store(out + d, zero());
  MaskLanes lanes;
  mask_lanes(t, b, h, i0, &lanes);
  const int64_t end = visible(t, i0 + rows - 1);
  for (int64_t j0 = 0; j0 < end; j0 += kKeys) {
    const int64_t n = end - j0 < kKeys ? end - j0 : kKeys;
    scores(n, t.head_size, panels + j0 * t.head_size, columns, s);
    mask_scores(t, b, h, i0, rows, j0, n, s);
    soften(t, lanes, j0, n, s, &state, out);
    add_dimensions(n, t.value_size, values + j0 * ld_values, ld_values, s, out);
  }
  float factor[kQueries], lse[kQueries];
  for (int v = 0; v < kVectors; ++v) {
    const Vec total = state.total[v];
    const Mask none = eq(total, zero());
    store(factor + v * kLanes, select(none, zero(), set1(1.0f) / total));
    store(lse + v * kLanes, select(none, set1(kLowest), state.maximum[v] + log(total)));
  }
  unpack_columns(out, rows, t.value_size, factor, y + (b * t.queries + i0) * ldy + h * t.value_size, ldy);
  for (int64_t i = 0; i < rows; ++i) log_sum_exp[(b * t.heads + h) * t.queries + i0 + i] = lse[i];
}

void many_queries(const Attention& t, float* y, float* log_sum_exp) {
  const int64_t group = t.heads / t.key_heads;
  const int64_t blocks = (t.queries + kQueries - 1) / kQueries;
  // Few heads: the queries are cut too, and each part packs the keys for itself.
  const int64_t threads = num_threads(), wanted = threads == 1 ? 1 : 4 * threads;
  int64_t parts = (wanted + t.batch * t.key_heads - 1) / (t.batch * t.key_heads);
  if (parts > blocks) parts = blocks;
  const int64_t ld_values = round_up(t.value_size, kLanes);
  const int64_t padded = round_up(t.keys, kRows);
  const auto task = [&](int64_t index) {
    const int64_t part = index % parts, hk = index / parts % t.key_heads, b = index / parts / t.key_heads;
    const int64_t first = blocks * part / parts, last = blocks * (part + 1) / parts;
    const int64_t last_query = last * kQueries < t.queries ? last * kQueries : t.queries;
    const int64_t end = visible(t, last_query - 1);
    float* const panels = scratch(kSlotKernel0, padded * t.head_size);
    float* const values = scratch(kSlotKernel1, padded * ld_values);
    const int64_t ldk = t.key_heads * t.head_size, ldv = t.key_heads * t.value_size;
    pack_panels(t.key + b * t.capacity * ldk + hk * t.head_size, ldk, end, t.head_size, panels);
    copy_rows(t.value + b * t.capacity * ldv + hk * t.value_size, ldv, end, t.value_size, 1.0f, values, ld_values);
    float* const columns = scratch(kSlotKernel2, (t.head_size + t.value_size + kKeys) * kQueries);
    float* const out = columns + t.head_size * kQueries;
    float* const s = out + t.value_size * kQueries;
    for (int64_t g = 0; g < group; ++g) {
      for (int64_t q = first; q < last; ++q) {
        const int64_t i0 = q * kQueries, rows = t.queries - i0 < kQueries ? t.queries - i0 : kQueries;
        query_block(t, b, hk * group + g, i0, rows, panels, values, ld_values, columns, s, out, y, log_sum_exp);
      }
    }
  };
  const int64_t tasks = t.batch * t.key_heads * parts;
  if (t.batch * t.heads * t.queries * t.keys * t.head_size < 100000) {
    for (int64_t i = 0; i < tasks; ++i) task(i);
  } else {
    parallel_tasks(tasks, task);
  }
}

}  // namespace

void attention(const float* query, const float* key, const float* value, const float* padding, const float* bias, float* y,
               float* log_sum_exp, int64_t batch, int64_t queries, int64_t capacity, int64_t keys, int64_t heads,
               int64_t key_heads, int64_t head_size, int64_t value_size, int64_t bias_batch, int64_t bias_heads, double scale,
               bool causal, double rate, double seed, double offset) {
  if (batch == 0 || queries == 0 || heads == 0) return;
  const Attention t{query,      key,        value,      padding,    bias,
                    batch,      queries,    capacity,   keys,       heads,
                    key_heads,  head_size,  value_size, bias_batch, bias_heads,
                    static_cast<float>(scale), causal, rate > 0, philox_key(rate, seed, offset)};
  if (queries <= kFewQueries && !t.dropout) {
    few_queries(t, y, log_sum_exp);
  } else {
    many_queries(t, y, log_sum_exp);
  }
}

}  // namespace weft::WEFT_ISA
