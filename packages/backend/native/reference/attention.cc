#include "attention.h"

#include <cmath>

#include "philox.h"

namespace weft::reference {
namespace {

constexpr double kLowest = -3.4028234663852886e38;

struct Row {
  std::vector<double> p, multiplier;
  std::vector<bool> constant;
  double log_sum_exp;
};

// The probabilities of one query's keys, and the multipliers of dropout.
Row probabilities(const AttentionTask& t, int64_t b, int64_t h, int64_t i) {
  const int64_t hk = h * t.key_heads / t.heads;
  Row row{std::vector<double>(t.keys), std::vector<double>(t.keys, 1), std::vector<bool>(t.keys, false), kLowest};
  double best = -INFINITY, total = 0;
  for (int64_t j = 0; j < t.keys; ++j) {
    double score = 0;
    for (int64_t d = 0; d < t.head_size; ++d) {
      score += static_cast<double>(t.query[((b * t.queries + i) * t.heads + h) * t.head_size + d]) *
               t.key[((b * t.capacity + j) * t.key_heads + hk) * t.head_size + d];
    }
    score *= t.scale;
    if (!t.bias.empty()) {
      const int64_t plane = (t.bias_batch == 1 ? 0 : b) * t.bias_heads + (t.bias_heads == 1 ? 0 : h);
      score += t.bias[(plane * t.queries + i) * t.keys + j];
    }
    if (!t.padding.empty() && t.padding[b * t.keys + j] == 0) {
      score = kLowest;
      row.constant[j] = true;
    }
    if (t.causal && j > i + t.keys - t.queries) {
      score = -INFINITY;
      row.constant[j] = true;
    }
    row.p[j] = score;
    best = score > best ? score : best;
    if (t.rate > 0) row.multiplier[j] = dropout_multiplier(((b * t.heads + h) * t.queries + i) * t.keys + j, t.rate, t.seed, t.offset);
  }
  if (best == -INFINITY) {
    for (double& p : row.p) p = 0;
    return row;
  }
  for (int64_t j = 0; j < t.keys; ++j) total += row.p[j] = std::exp(row.p[j] - best);
  for (int64_t j = 0; j < t.keys; ++j) row.p[j] /= total;
  row.log_sum_exp = best + std::log(total);
  return row;
}

}  // namespace

AttentionResult attention(const AttentionTask& t) {
  AttentionResult r;
  r.y.resize(t.batch * t.queries * t.heads * t.value_size);
  r.log_sum_exp.resize(t.batch * t.heads * t.queries);
  r.dquery.resize(t.query.size());
  r.dkey.resize(t.key.size());
  r.dvalue.resize(t.value.size());
  r.dbias.resize(t.bias.size());
  for (int64_t b = 0; b < t.batch; ++b) {
    for (int64_t h = 0; h < t.heads; ++h) {
      const int64_t hk = h * t.key_heads / t.heads;
      for (int64_t i = 0; i < t.queries; ++i) {
        const Row row = probabilities(t, b, h, i);
        const int64_t out = ((b * t.queries + i) * t.heads + h) * t.value_size;
        const int64_t q = ((b * t.queries + i) * t.heads + h) * t.head_size;
        r.log_sum_exp[(b * t.heads + h) * t.queries + i] = row.log_sum_exp;
        std::vector<double> dp(t.keys);
        double delta = 0;
        for (int64_t j = 0; j < t.keys; ++j) {
          const int64_t v = ((b * t.capacity + j) * t.key_heads + hk) * t.value_size;
          const double p = row.p[j] * row.multiplier[j];
          for (int64_t d = 0; d < t.value_size; ++d) {
            r.y[out + d] += p * t.value[v + d];
            dp[j] += static_cast<double>(t.dy[out + d]) * t.value[v + d] * row.multiplier[j];
            r.dvalue[v + d] += p * t.dy[out + d];
          }
          delta += row.p[j] * dp[j];
        }
        for (int64_t j = 0; j < t.keys; ++j) {
          const int64_t k = ((b * t.capacity + j) * t.key_heads + hk) * t.head_size;
          const double ds = row.constant[j] ? 0 : row.p[j] * (dp[j] - delta);
          for (int64_t d = 0; d < t.head_size; ++d) {
            r.dquery[q + d] += ds * t.scale * t.key[k + d];
            r.dkey[k + d] += ds * t.scale * t.query[q + d];
          }
          if (!t.bias.empty()) {
            const int64_t plane = (t.bias_batch == 1 ? 0 : b) * t.bias_heads + (t.bias_heads == 1 ? 0 : h);
            r.dbias[(plane * t.queries + i) * t.keys + j] += ds;
          }
        }
      }
    }
  }
  return r;
}

}  // namespace weft::reference
