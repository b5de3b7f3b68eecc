#include "attention-block.h"
#include "attention.h"

namespace weft::WEFT_ISA {
namespace {

struct Gradients {
  const float *dy, *y, *log_sum_exp;
  float *dquery, *dkey, *dvalue, *dbias;
};

// One block of queries, in all the orders in which it is read.
struct QueryBlock {
  float* columns;     // scaled query, [head_size][kQueries]
  float* dy_columns;  // [value_size][kQueries]
  float* rows;        // scaled query, [kQueries][ld]
  float* dy_rows;     // [kQueries][ld_value]
  float* dquery;      // [head_size][kQueries]
  float* delta;       // dy . y
  float* lse;
  float* uniform;     // the probability of each key where padding hides all of them, else 0
};

// Floats of one QueryBlock; `at` cuts it out of memory.
int64_t block_floats(const Attention& t, int64_t ld, int64_t ld_value) {
  return kQueries * (2 * t.head_size + t.value_size + ld + ld_value + 3);
}
QueryBlock block_at(const Attention& t, int64_t ld, int64_t ld_value, float* p) {
  QueryBlock q;
  q.columns = p;
  q.dquery = q.columns + kQueries * t.head_size;
  q.dy_columns = q.dquery + kQueries * t.head_size;
  q.rows = q.dy_columns + kQueries * t.value_size;
  q.dy_rows = q.rows + kQueries * ld;
  q.delta = q.dy_rows + kQueries * ld_value;
  q.lse = q.delta + kQueries;
  q.uniform = q.lse + kQueries;
  return q;
}

float dot(const float* a, const float* b, int64_t n) {
  Vec total = zero();
  for (int64_t i = 0; i < n; i += kLanes) {
    const int64_t left = n - i < kLanes ? n - i : kLanes;
    total = fma(load_n(a + i, left), load_n(b + i, left), total);
  }
  return sum(total);
}

void fill_block(const Attention& t, const Gradients& g, int64_t b, int64_t h, int64_t i0, int64_t rows, int64_t ld,
                int64_t ld_value, const QueryBlock& q) {
  const int64_t ldq = t.heads * t.head_size, ldy = t.heads * t.value_size;
  const float* const query = t.query + (b * t.queries + i0) * ldq + h * t.head_size;
  const int64_t at = (b * t.queries + i0) * ldy + h * t.value_size;
  pack_columns(query, ldq, rows, t.head_size, kQueries, t.scale, q.columns);
  pack_columns(g.dy + at, ldy, rows, t.value_size, kQueries, 1.0f, q.dy_columns);
  copy_rows(query, ldq, rows, t.head_size, t.scale, q.rows, ld);
  copy_rows(g.dy + at, ldy, rows, t.value_size, 1.0f, q.dy_rows, ld_value);
  for (int64_t d = 0; d < t.head_size * kQueries; d += kLanes) store(q.dquery + d, zero());
  for (int64_t i = 0; i < kQueries; ++i) {
    q.delta[i] = q.lse[i] = q.uniform[i] = 0;
    if (i >= rows) continue;
    q.delta[i] = dot(g.dy + at + i * ldy, g.y + at + i * ldy, t.value_size);
    q.lse[i] = g.log_sum_exp[(b * t.heads + h) * t.queries + i0 + i];
    const int64_t seen = visible(t, i0 + i);
    if (q.lse[i] <= 0.5f * kLowest && seen > 0) q.uniform[i] = 1.0f / static_cast<float>(seen);
  }
}

// From scores s and dp = value . dy to the probabilities after dropout (in s) and the gradients of the scores (in dp).
void differentiate(const Attention& t, int64_t b, int64_t h, int64_t i0, int64_t j0, int64_t n, const QueryBlock& q, float* s,
                   float* dp) {
  MaskLanes lanes;
  if (t.dropout) mask_lanes(t, b, h, i0, &lanes);
  for (int v = 0; v < kVectors; ++v) {
    const Vec lse = load(q.lse + v * kLanes), delta = load(q.delta + v * kLanes);
    for (int64_t j = 0; j < n; j += 4) {
      Vec m[4];
      if (t.dropout) mask_four(t, lanes, v, j0 + j, m);
      for (int64_t k = 0; k < 4 && j + k < n; ++k) {
        float* const ps = s + (j + k) * kQueries + v * kLanes;
        float* const pd = dp + (j + k) * kQueries + v * kLanes;
        const Vec p = exp(load(ps) - lse);
        const Vec up = t.dropout ? load(pd) * m[k] : load(pd);
        store(ps, t.dropout ? p * m[k] : p);
        store(pd, p * (up - delta));
      }
    }
  }
  if (t.padding == nullptr) return;
  // A hidden key's score is a constant: no gradient flows through it. Its probability is zero but where all are hidden.
  for (int64_t j = 0; j < n; ++j) {
    if (t.padding[b * t.keys + j0 + j] != 0) continue;
    for (int v = 0; v < kVectors; ++v) {
      float* const ps = s + j * kQueries + v * kLanes;
      Vec m[4] = {set1(1.0f), set1(1.0f), set1(1.0f), set1(1.0f)};
      if (t.dropout) mask_four(t, lanes, v, (j0 + j) & ~int64_t{3}, m);
      // What causality hides has come out as zero; all else here as one or zero.
      const Vec seen = select(gt(set1_i(static_cast<int32_t>(j0 + j - (t.causal ? t.keys - t.queries : t.keys) - i0)),
                                 iota() + set1_i(static_cast<int32_t>(v * kLanes))),
                              zero(), load(q.uniform + v * kLanes));
      store(ps, seen * m[(j0 + j) & 3]);
      store(dp + j * kQueries + v * kLanes, zero());
    }
  }
}

void clear(float* p, int64_t n) { __builtin_memset(p, 0, static_cast<size_t>(n) * sizeof(float)); }

// All that one key head of one batch element takes part in.
void key_head(const Attention& t, const Gradients& g, int64_t b, int64_t hk) {
  const int64_t group = t.heads / t.key_heads, ldk = t.key_heads * t.head_size, ldv = t.key_heads * t.value_size;
  const int64_t ld = round_up(t.head_size, kLanes), ld_value = round_up(t.value_size, kLanes);
  const int64_t blocks = (t.queries + kQueries - 1) / kQueries, size = block_floats(t, ld, ld_value);
  float* const memory = scratch(kSlotKernel0, group * blocks * size);
  const auto rows_of = [&](int64_t q) { return t.queries - q * kQueries < kQueries ? t.queries - q * kQueries : kQueries; };
  for (int64_t k = 0; k < group * blocks; ++k) {
    const int64_t h = hk * group + k / blocks, q = k % blocks;
    fill_block(t, g, b, h, q * kQueries, rows_of(q), ld, ld_value, block_at(t, ld, ld_value, memory + k * size));
  }
  float* const panels = scratch(kSlotKernel1, kKeys * (t.head_size + t.value_size + 2 * ld + ld_value + 2 * kQueries));
  float* const value_panels = panels + kKeys * t.head_size;
  float* const key_rows = value_panels + kKeys * t.value_size;
  float* const dkey = key_rows + kKeys * ld;
  float* const dvalue = dkey + kKeys * ld;
  float* const s = dvalue + kKeys * ld_value;
  float* const dp = s + kKeys * kQueries;
  for (int64_t j0 = 0; j0 < t.keys; j0 += kKeys) {
    const int64_t count = t.keys - j0 < kKeys ? t.keys - j0 : kKeys;
    const float* const key = t.key + (b * t.capacity + j0) * ldk + hk * t.head_size;
    const float* const value = t.value + (b * t.capacity + j0) * ldv + hk * t.value_size;
    pack_panels(key, ldk, count, t.head_size, panels);
    pack_panels(value, ldv, count, t.value_size, value_panels);
    copy_rows(key, ldk, count, t.head_size, 1.0f, key_rows, ld);
    clear(dkey, kKeys * ld);
    clear(dvalue, kKeys * ld_value);
    for (int64_t k = 0; k < group * blocks; ++k) {
      const int64_t h = hk * group + k / blocks, i0 = k % blocks * kQueries, rows = rows_of(k % blocks);
      const int64_t seen = visible(t, i0 + rows - 1) - j0, n = seen < count ? seen : count;
      if (n <= 0) continue;
      const QueryBlock q = block_at(t, ld, ld_value, memory + k * size);
      scores(n, t.head_size, panels, q.columns, s);
      scores(n, t.value_size, value_panels, q.dy_columns, dp);
      mask_scores(t, b, h, i0, rows, j0, n, s);
      differentiate(t, b, h, i0, j0, n, q, s, dp);
      const int64_t end = round_up(n, kRows);
      clear(s + n * kQueries, (end - n) * kQueries);
      clear(dp + n * kQueries, (end - n) * kQueries);
      add_keys(n, rows, t.value_size, s, q.dy_rows, ld_value, dvalue);
      add_keys(n, rows, t.head_size, dp, q.rows, ld, dkey);
      add_dimensions(n, t.head_size, key_rows, ld, dp, q.dquery);
      if (g.dbias != nullptr) {
        const int64_t plane = (t.bias_batch == 1 ? 0 : b) * t.bias_heads + (t.bias_heads == 1 ? 0 : h);
        add_to_bias(dp, rows, n, g.dbias + (plane * t.queries + i0) * t.keys + j0, t.keys);
      }
    }
    for (int64_t j = 0; j < count; ++j) {
      __builtin_memcpy(g.dkey + (b * t.capacity + j0 + j) * ldk + hk * t.head_size, dkey + j * ld,
                       static_cast<size_t>(t.head_size) * sizeof(float));
      __builtin_memcpy(g.dvalue + (b * t.capacity + j0 + j) * ldv + hk * t.value_size, dvalue + j * ld_value,
                       static_cast<size_t>(t.value_size) * sizeof(float));
    }
  }
  for (int64_t j = t.keys; j < t.capacity; ++j) {
    clear(g.dkey + (b * t.capacity + j) * ldk + hk * t.head_size, t.head_size);
    clear(g.dvalue + (b * t.capacity + j) * ldv + hk * t.value_size, t.value_size);
  }
  float factor[kQueries];
  for (int64_t i = 0; i < kQueries; ++i) factor[i] = t.scale;
  for (int64_t k = 0; k < group * blocks; ++k) {
    const int64_t h = hk * group + k / blocks, i0 = k % blocks * kQueries, ldq = t.heads * t.head_size;
    unpack_columns(block_at(t, ld, ld_value, memory + k * size).dquery, rows_of(k % blocks), t.head_size, factor,
                   g.dquery + (b * t.queries + i0) * ldq + h * t.head_size, ldq);
  }
}

}  // namespace

void attention_gradient(const float* dy, const float* query, const float* key, const float* value, const float* y,
                        const float* log_sum_exp, const float* padding, const float* bias, float* dquery, float* dkey,
                        float* dvalue, float* dbias, int64_t batch, int64_t queries, int64_t capacity, int64_t keys,
                        int64_t heads, int64_t key_heads, int64_t head_size, int64_t value_size, int64_t bias_batch,
                        int64_t bias_heads, double scale, bool causal, double rate, double seed, double offset) {
  const Attention t{query,      key,        value,      padding,    bias,
                    batch,      queries,    capacity,   keys,       heads,
                    key_heads,  head_size,  value_size, bias_batch, bias_heads,
                    static_cast<float>(scale), causal, rate > 0, philox_key(rate, seed, offset)};
  const Gradients g{dy, y, log_sum_exp, dquery, dkey, dvalue, dbias};
  // Tasks that add to the same part of dbias follow each other in one task, in their order.
  const bool shared_batch = dbias != nullptr && bias_batch == 1, shared_heads = dbias != nullptr && bias_heads == 1;
  if (dbias != nullptr) clear(dbias, bias_batch * bias_heads * queries * keys);
  const int64_t outer = shared_batch ? 1 : batch, inner = shared_heads ? 1 : key_heads;
  const auto task = [&](int64_t index) {
    const int64_t b0 = index / inner, h0 = index % inner;
    for (int64_t b = shared_batch ? 0 : b0; b < (shared_batch ? batch : b0 + 1); ++b) {
      for (int64_t h = shared_heads ? 0 : h0; h < (shared_heads ? key_heads : h0 + 1); ++h) key_head(t, g, b, h);
    }
  };
  if (batch * heads * queries * keys * head_size < 50000) {
    for (int64_t i = 0; i < outer * inner; ++i) task(i);
  } else {
    parallel_tasks(outer * inner, task);
  }
}

}  // namespace weft::WEFT_ISA
