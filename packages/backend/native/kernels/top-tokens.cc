#include "top-tokens.h"

#include "selection.h"
#include "softmax-row.h"

namespace weft::WEFT_ISA {

void top_tokens(const float* logits, int32_t* tokens, float* log_probabilities, int64_t rows, int64_t columns, int64_t count) {
  if (count <= 0 || columns <= 0) return;
  parallel_for(rows, 16384 / (columns + 1) + 1, [=](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      const float* const x = logits + r * columns;
      float* const out = log_probabilities + r * count;
      float best;
      double total;
      log_sum_exp_parts(x, columns, &best, &total);
      const float log_sum = static_cast<float>(__builtin_log(total));
      // The row is in the cache now; one row at a time, so that no thread waits for another.
      top_k(x, out, tokens + r * count, 1, columns, count);
      for (int64_t i = 0; i < count; ++i) {
        const float above = out[i] - best;
        out[i] = above - log_sum;
      }
    }
  });
}

}  // namespace weft::WEFT_ISA
