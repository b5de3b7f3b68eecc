// The likeliest token of each row of states, without all the logits in float32.
//
// A coarse copy of the weight in int8 gives each logit to within a bound that always holds; the rows of the weight that the
// bounds leave, a few of thousands, are multiplied in float32. It reads a quarter of the bytes and, where the processor
// multiplies bytes, takes a third of the time.
#pragma once

#include <cstdint>

#include "../runtime/cpu.h"

namespace weft {

// The coarse copy of a weight [n, k]: its size in elements, and the copy, which belongs to the instruction set in use.
WEFT_KERNEL(int64_t, coarse_size, (int64_t n, int64_t k), (n, k))
WEFT_KERNEL(void, coarse_weight, (int64_t n, int64_t k, const float* weight, int32_t* coarse), (n, k, weight, coarse))

// tokens[m] = arg_max of x[m, k] weight[n, k]^T + bias[n], to the bit what batch_matmul and arg_max give. `bias` may be null.
WEFT_KERNEL(void, likeliest_token,
            (int64_t m, int64_t n, int64_t k, const float* x, const float* weight, const int32_t* coarse, const float* bias,
             int32_t* tokens),
            (m, n, k, x, weight, coarse, bias, tokens))

}  // namespace weft
