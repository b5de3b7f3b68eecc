#pragma once

#include <cstdint>
#include <vector>

namespace weft::reference {

struct AttentionTask {
  std::vector<float> query, key, value, padding, bias, dy;  // padding and bias may be empty
  int64_t batch = 1, queries = 1, capacity = 1, keys = 1, heads = 1, key_heads = 1, head_size = 1, value_size = 1;
  int64_t bias_batch = 1, bias_heads = 1;
  double scale = 1;
  bool causal = false;
  double rate = 0;
  uint64_t seed = 0, offset = 0;
};

struct AttentionResult {
  std::vector<double> y, log_sum_exp, dquery, dkey, dvalue, dbias;
};

// Attention and its gradients for task.dy, with the whole matrix of scores in memory.
AttentionResult attention(const AttentionTask& task);

}  // namespace weft::reference
