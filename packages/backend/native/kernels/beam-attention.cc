#include "beam-attention.h"

#include "../runtime/simd-math.h"
#include "dot.h"

namespace weft::WEFT_ISA {
namespace {

struct Beams {
  const float *query, *key, *value;
  const int32_t* table;
  const float* bias;
  float* y;
  int64_t capacity, keys, heads, size;
  float scale;
};

// out[n] += p * x[n]
WEFT_INLINE void add_scaled(float p, const float* x, int64_t n, float* out) {
  const Vec weight = set1(p);
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) store(out + i, fma(weight, load(x + i), load(out + i)));
  if (i < n) store_n(out + i, fma(weight, load_n(x + i, n - i), load_n(out + i, n - i)), n - i);
}

// Scores to probabilities, in place; `padded` floats of room, of which `n` count.
void soften(float* s, int64_t n, int64_t padded) {
  float best = s[0];
  for (int64_t j = 1; j < n; ++j) best = s[j] > best ? s[j] : best;
  const Vec shift = set1(best);
  for (int64_t j = 0; j < padded; j += kLanes) store(s + j, exp(load(s + j) - shift));
  float total = 0;
  for (int64_t j = 0; j < n; ++j) total += s[j];
  const float share = 1 / total;
  for (int64_t j = 0; j < n; ++j) s[j] *= share;
}

// One row; keys and values are read position by position, all heads of one together.
void row(const Beams& t, int64_t b) {
  const int64_t width = t.heads * t.size, padded = (t.keys + kLanes - 1) / kLanes * kLanes;
  float* const s = scratch(kSlotKernel0, t.heads * padded);
  const float* const q = t.query + b * width;
  const int32_t* const rows = t.table + b * t.keys;
  float* const y = t.y + b * width;
  for (int64_t j = 0; j < t.keys; ++j) {
    const float* const k = t.key + (rows[j] * t.capacity + j) * width;
    for (int64_t h = 0; h < t.heads; ++h) {
      const float score = t.scale * dot(q + h * t.size, k + h * t.size, t.size);
      s[h * padded + j] = t.bias == nullptr ? score : score + t.bias[h * t.keys + j];
    }
  }
  for (int64_t h = 0; h < t.heads; ++h) {
    for (int64_t j = t.keys; j < padded; ++j) s[h * padded + j] = 0;
    soften(s + h * padded, t.keys, padded);
  }
  for (int64_t d = 0; d < width; ++d) y[d] = 0;
  for (int64_t j = 0; j < t.keys; ++j) {
    const float* const v = t.value + (rows[j] * t.capacity + j) * width;
    for (int64_t h = 0; h < t.heads; ++h) add_scaled(s[h * padded + j], v + h * t.size, t.size, y + h * t.size);
  }
}

}  // namespace

int64_t beam_attention(const float* query, const float* key, const float* value, const int32_t* table, const float* bias,
                       float* y, int64_t batch, int64_t held, int64_t capacity, int64_t keys, int64_t heads, int64_t size,
                       double scale) {
  for (int64_t i = 0; i < batch * keys; ++i) {
    if (table[i] < 0 || table[i] >= held) return i;
  }
  const Beams t{query, key, value, table, bias, y, capacity, keys, heads, size, static_cast<float>(scale)};
  const int64_t work = keys * heads * size;
  parallel_for(batch, 16384 / (work + 1) + 1, [&t](int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; ++b) row(t, b);
  });
  return -1;
}

}  // namespace weft::WEFT_ISA
