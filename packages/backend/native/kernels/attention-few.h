// Attention of a few queries against a long cache: bound by reading keys and values, which are read in order, all heads
// of a position together, by parts of the positions. Each part keeps its own maximum and sums; they are joined at the end.
#pragma once

#include "attention-block.h"
#include "dot.h"

namespace weft::WEFT_ISA {

constexpr int64_t kFewQueries = 4;
// Positions of a part; the parts depend on the number of keys alone.
constexpr int64_t kPartKeys = 64;

// out[n] += p[0] x[0] + .. + p[count - 1] x[count - 1] for rows of x that lie ld apart.
template <int count>
WEFT_INLINE void add_rows(const float* p, const float* x, int64_t ld, int64_t n, float* out) {
  Vec weight[count];
  for (int k = 0; k < count; ++k) weight[k] = set1(p[k]);
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    Vec total = load(out + i);
    for (int k = 0; k < count; ++k) total = fma(weight[k], load(x + k * ld + i), total);
    store(out + i, total);
  }
  if (i == n) return;
  Vec total = load_n(out + i, n - i);
  for (int k = 0; k < count; ++k) total = fma(weight[k], load_n(x + k * ld + i, n - i), total);
  store_n(out + i, total, n - i);
}

// Scores of n keys from j0 for one query, all heads: s[h * kPartKeys' + j].
static void few_scores(const Attention& t, int64_t b, int64_t i, int64_t j0, int64_t n, int64_t lds, float* s) {
  const int64_t group = t.heads / t.key_heads, ldk = t.key_heads * t.head_size, ldv = t.key_heads * t.value_size;
  const float* const q = t.query + (b * t.queries + i) * t.heads * t.head_size;
  for (int64_t j = 0; j < n; ++j) {
    const float* const k = t.key + (b * t.capacity + j0 + j) * ldk;
    const bool hidden = t.padding != nullptr && t.padding[b * t.keys + j0 + j] == 0;
    // The values of this part are fetched meanwhile.
    const float* const v = t.value + (b * t.capacity + j0 + j) * ldv;
    for (int64_t d = 0; d < ldv; d += 16) __builtin_prefetch(v + d, 0, 2);
    for (int64_t h = 0; h < t.heads; ++h) {
      float score = t.scale * dot(q + h * t.head_size, k + h / group * t.head_size, t.head_size);
      if (t.bias != nullptr) {
        const int64_t plane = (t.bias_batch == 1 ? 0 : b) * t.bias_heads + (t.bias_heads == 1 ? 0 : h);
        score += t.bias[(plane * t.queries + i) * t.keys + j0 + j];
      }
      s[h * lds + j] = hidden ? kLowest : score;
    }
  }
}

// One part: for each head its maximum, its sum and its values' sum (value_size of them, value_size * heads in all).
static void few_part(const Attention& t, int64_t b, int64_t i, int64_t j0, int64_t n, int64_t lds, float* s, float* maxima,
                     float* totals, float* out) {
  const int64_t group = t.heads / t.key_heads, ldv = t.key_heads * t.value_size;
  few_scores(t, b, i, j0, n, lds, s);
  for (int64_t d = 0; d < t.heads * t.value_size; ++d) out[d] = 0;
  for (int64_t h = 0; h < t.heads; ++h) {
    float* const row = s + h * lds;
    float best = kLowest;
    for (int64_t j = 0; j < n; ++j) best = row[j] > best ? row[j] : best;
    const Vec shift = set1(best);
    for (int64_t j = 0; j < n; j += kLanes) store(row + j, exp(load(row + j) - shift));
    float total = 0;
    for (int64_t j = 0; j < n; ++j) total += row[j];
    maxima[h] = best;
    totals[h] = total;
  }
  const float* const v = t.value + (b * t.capacity + j0) * ldv;
  int64_t j = 0;
  for (; j + 4 <= n; j += 4) {
    for (int64_t h = 0; h < t.heads; ++h) {
      add_rows<4>(s + h * lds + j, v + j * ldv + h / group * t.value_size, ldv, t.value_size, out + h * t.value_size);
    }
  }
  for (; j < n; ++j) {
    for (int64_t h = 0; h < t.heads; ++h) {
      add_rows<1>(s + h * lds + j, v + j * ldv + h / group * t.value_size, ldv, t.value_size, out + h * t.value_size);
    }
  }
}

static void few_queries(const Attention& t, float* y, float* log_sum_exp) {
  const int64_t parts = t.keys <= kPartKeys ? 1 : (t.keys + kPartKeys - 1) / kPartKeys < 32 ? (t.keys + kPartKeys - 1) / kPartKeys : 32;
  const int64_t width = t.heads * t.value_size, record = width + 2 * t.heads;
  const int64_t lds = round_up((t.keys + parts - 1) / parts + 1, kLanes);
  float* const partial = scratch(kSlotKernel0, t.batch * t.queries * parts * record);
  const auto task = [&](int64_t index) {
    const int64_t part = index % parts, b = index / parts;
    const int64_t from = t.keys * part / parts, to = t.keys * (part + 1) / parts;
    float* const s = scratch(kSlotKernel1, t.heads * lds);
    for (int64_t k = 0; k < t.heads * lds; ++k) s[k] = 0;
    for (int64_t i = 0; i < t.queries; ++i) {
      float* const out = partial + ((b * t.queries + i) * parts + part) * record;
      const int64_t end = visible(t, i), n = end < to ? end - from : to - from;
      few_part(t, b, i, from, n > 0 ? n : 0, lds, s, out + width, out + width + t.heads, out);
    }
  };
  if (t.batch * t.queries * t.keys * width < 50000) {
    for (int64_t i = 0; i < t.batch * parts; ++i) task(i);
  } else {
    parallel_tasks(t.batch * parts, task);
  }
  for (int64_t r = 0; r < t.batch * t.queries; ++r) {
    const float* const records = partial + r * parts * record;
    const int64_t b = r / t.queries, i = r % t.queries;
    for (int64_t h = 0; h < t.heads; ++h) {
      float best = kLowest;
      for (int64_t p = 0; p < parts; ++p) {
        const float here = records[p * record + width + h];
        best = here > best ? here : best;
      }
      float* const out = y + r * width + h * t.value_size;
      for (int64_t d = 0; d < t.value_size; ++d) out[d] = 0;
      float total = 0;
      for (int64_t p = 0; p < parts; ++p) {
        const float factor = __builtin_expf(records[p * record + width + h] - best);
        total += factor * records[p * record + width + t.heads + h];
        for (int64_t d = 0; d < t.value_size; ++d) out[d] += factor * records[p * record + h * t.value_size + d];
      }
      const float scale = total == 0 ? 0 : 1 / total;
      for (int64_t d = 0; d < t.value_size; ++d) out[d] *= scale;
      log_sum_exp[(b * t.heads + h) * t.queries + i] = total == 0 ? kLowest : best + __builtin_logf(total);
    }
  }
}

}  // namespace weft::WEFT_ISA
