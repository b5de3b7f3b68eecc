#include "beam-search.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "selection.h"

namespace weft::reference {

void beam_attention(const float* query, const float* key, const float* value, const int32_t* table, const float* bias,
                    float* y, int64_t batch, int64_t capacity, int64_t keys, int64_t heads, int64_t size, double scale) {
  const int64_t width = heads * size;
  for (int64_t b = 0; b < batch; ++b) {
    for (int64_t h = 0; h < heads; ++h) {
      std::vector<double> p(static_cast<size_t>(keys));
      double best = -INFINITY, total = 0;
      for (int64_t j = 0; j < keys; ++j) {
        const float* const k = key + (table[b * keys + j] * capacity + j) * width + h * size;
        double score = 0;
        for (int64_t d = 0; d < size; ++d) score += static_cast<double>(query[b * width + h * size + d]) * k[d];
        p[static_cast<size_t>(j)] = score * scale + (bias == nullptr ? 0 : bias[h * keys + j]);
        best = std::max(best, p[static_cast<size_t>(j)]);
      }
      for (double& each : p) total += each = std::exp(each - best);
      for (int64_t d = 0; d < size; ++d) {
        double sum = 0;
        for (int64_t j = 0; j < keys; ++j) {
          sum += p[static_cast<size_t>(j)] * value[(table[b * keys + j] * capacity + j) * width + h * size + d];
        }
        y[b * width + h * size + d] = static_cast<float>(sum / total);
      }
    }
  }
}

void top_tokens(const float* logits, int32_t* tokens, float* log_probabilities, int64_t rows, int64_t columns, int64_t count) {
  top_k(logits, log_probabilities, tokens, rows, columns, count);
  for (int64_t r = 0; r < rows; ++r) {
    const float* const x = logits + r * columns;
    const double best = *std::max_element(x, x + columns);
    double total = 0;
    for (int64_t i = 0; i < columns; ++i) total += std::exp(x[i] - best);
    for (int64_t i = 0; i < count; ++i) {
      float& out = log_probabilities[r * count + i];
      out = static_cast<float>(out - best - std::log(total));
    }
  }
}

}  // namespace weft::reference
