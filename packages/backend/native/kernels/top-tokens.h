// The likeliest tokens and their log-probabilities, for beam search.
#pragma once

#include <cstdint>

#include "../runtime/cpu.h"

namespace weft {

// For each of `rows` rows of `columns` logits the `count` largest in falling order, equals in the order of their places:
// their places, and (logit - max) - log(sum(exp(logit - max))), each difference and the logarithm rounded to float.
WEFT_KERNEL(void, top_tokens,
            (const float* logits, int32_t* tokens, float* log_probabilities, int64_t rows, int64_t columns, int64_t count),
            (logits, tokens, log_probabilities, rows, columns, count))

}  // namespace weft
