// Attention without a matrix of scores in memory.
#pragma once

#include <cstdint>

#include "../runtime/cpu.h"

namespace weft {

// y [batch, queries, heads * value_size] = softmax(scale * query key^T + bias, masked) value, and log_sum_exp [batch,
// heads, queries].
//
// query [batch, queries, heads * head_size], key [batch, capacity, key_heads * head_size], value [batch, capacity,
// key_heads * value_size], of which the first `keys` positions count; query head h reads key head h * key_heads / heads.
// padding [batch, keys], 0 hides, or null. bias [bias_batch (1 or batch), bias_heads (1 or heads), queries, keys] or null.
// causal: query i sees key j where j <= i + keys - queries. A key that causality hides never counts; one that the
// padding hides counts as the lowest finite number, so that a row which sees nothing else is the mean of those that
// causality lets it see. A row without any key is zero. Dropout acts on the probabilities, with element index
// ((b * heads + h) * queries + i) * keys + j.
//
// The bits do not depend on the number of threads.
WEFT_KERNEL(void, attention,
            (const float* query, const float* key, const float* value, const float* padding, const float* bias, float* y,
             float* log_sum_exp, int64_t batch, int64_t queries, int64_t capacity, int64_t keys, int64_t heads,
             int64_t key_heads, int64_t head_size, int64_t value_size, int64_t bias_batch, int64_t bias_heads, double scale,
             bool causal, double rate, double seed, double offset),
            (query, key, value, padding, bias, y, log_sum_exp, batch, queries, capacity, keys, heads, key_heads, head_size,
             value_size, bias_batch, bias_heads, scale, causal, rate, seed, offset))

// The gradients of query, key and value, and of bias where dbias is given (of bias's own shape).
WEFT_KERNEL(void, attention_gradient,
            (const float* dy, const float* query, const float* key, const float* value, const float* y,
             const float* log_sum_exp, const float* padding, const float* bias, float* dquery, float* dkey, float* dvalue,
             float* dbias, int64_t batch, int64_t queries, int64_t capacity, int64_t keys, int64_t heads, int64_t key_heads,
             int64_t head_size, int64_t value_size, int64_t bias_batch, int64_t bias_heads, double scale, bool causal,
             double rate, double seed, double offset),
            (dy, query, key, value, y, log_sum_exp, padding, bias, dquery, dkey, dvalue, dbias, batch, queries, capacity,
             keys, heads, key_heads, head_size, value_size, bias_batch, bias_heads, scale, causal, rate, seed, offset))

}  // namespace weft
