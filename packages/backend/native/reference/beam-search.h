#pragma once

#include <cstdint>

namespace weft::reference {

// As kernels/beam-attention.h and kernels/top-tokens.h, one number after the other, sums in double.
void beam_attention(const float* query, const float* key, const float* value, const int32_t* table, const float* bias,
                    float* y, int64_t batch, int64_t capacity, int64_t keys, int64_t heads, int64_t size, double scale);
void top_tokens(const float* logits, int32_t* tokens, float* log_probabilities, int64_t rows, int64_t columns, int64_t count);

}  // namespace weft::reference
