#include "decoder-step.h"

#include <cstring>

#include "../runtime/parallel.h"
#include "../runtime/simd.h"
#include "attention.h"
#include "binary.h"
#include "gemm.h"
#include "norm.h"
#include "quantized-linear.h"

namespace weft::WEFT_ISA {

void decoder_step(const float* x, float* key, float* value, const float* padding, float* y, const FloatArrays& norms,
                  const FloatArrays& weights, const FloatArrays& biases, const int32_t* quantized0,
                  const int32_t* quantized1, const int32_t* quantized2, const int32_t* quantized3, int64_t rows,
                  int64_t width, int64_t inner, int64_t heads, int64_t capacity, int64_t position, int64_t group,
                  double scale, float epsilon, int32_t activation) {
  const int32_t* const quantized[] = {quantized0, quantized1, quantized2, quantized3};
  const auto linear = [&](int i, int64_t n, int64_t k, const float* from, float* to, int32_t kind) {
    const float* const weight = weights.data[i];
    if (group == 0) {
      batch_matmul(false, false, 1, rows, n, k, from, weight, to, nullptr, nullptr, biases.data[i], kind);
    } else {
      quantized_linear(rows, n, k, group, from, quantized[i], weight, biases.data[i], to, kind);
    }
  };
  constexpr int32_t add = kBinaryAdd;
  float* const normal = scratch(kSlotStep, rows * (7 * width + inner + heads + 2));
  float* const joined = normal + rows * width;
  float* const query = joined + 3 * rows * width;
  float* const attended = query + rows * width;
  float* const middle = attended + rows * width;
  float* const within = middle + rows * width;
  float* const log_sum_exp = within + rows * inner;
  float* const mean = log_sum_exp + rows * heads;
  float* const rstd = mean + rows;

  layer_norm(x, norms.data[0], norms.data[1], normal, mean, rstd, rows, width, epsilon);
  linear(0, 3 * width, width, normal, joined, kActNone);
  const size_t bytes = static_cast<size_t>(width) * sizeof(float);
  for (int64_t r = 0; r < rows; ++r) {
    const float* const from = joined + 3 * r * width;
    std::memcpy(query + r * width, from, bytes);
    std::memcpy(key + (r * capacity + position) * width, from + width, bytes);
    std::memcpy(value + (r * capacity + position) * width, from + 2 * width, bytes);
  }
  attention(query, key, value, padding, nullptr, attended, log_sum_exp, rows, 1, capacity, position + 1, heads, heads,
            width / heads, width / heads, 1, 1, scale, true, 0, 0, 0);
  linear(1, width, width, attended, middle, kActNone);
  binary(add, x, middle, middle, 1, rows * width, 0, 1, 0, 1);

  layer_norm(middle, norms.data[2], norms.data[3], normal, mean, rstd, rows, width, epsilon);
  linear(2, inner, width, normal, within, activation);
  linear(3, width, inner, within, y, kActNone);
  binary(add, middle, y, y, 1, rows * width, 0, 1, 0, 1);
}

}  // namespace weft::WEFT_ISA
