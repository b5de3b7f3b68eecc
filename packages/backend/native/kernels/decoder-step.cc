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

void decoder_step(const float* x, const FloatArrays& keys, const FloatArrays& values, const float* padding, float* y,
                  const FloatArrays& norms, const FloatArrays& weights, const FloatArrays& biases, const IntArrays& quantized,
                  const int32_t* groups, const float* scales, int64_t rows, int64_t width, int64_t inner, int64_t heads,
                  int64_t capacity, int64_t position, float epsilon, int32_t activation) {
  constexpr int32_t add = kBinaryAdd;
  const int64_t size = rows * width;
  const auto linear = [&](int64_t i, int64_t n, int64_t k, const float* from, float* to, int32_t kind) {
    const float* const weight = weights.data[i];
    if (groups[i] == 0) {
      batch_matmul(false, false, 1, rows, n, k, from, weight, to, nullptr, nullptr, biases.data[i], kind);
    } else {
      quantized_linear(rows, n, k, groups[i], from, quantized.data[i], weight, biases.data[i], to, kind);
    }
  };
  float* const normal = scratch(kSlotStep, 7 * size + rows * (inner + heads + 2));
  float* const joined = normal + size;
  float* const query = joined + 3 * size;
  float* const attended = query + size;
  float* const middle = attended + size;
  float* const within = middle + size;
  float* const log_sum_exp = within + rows * inner;
  float* const mean = log_sum_exp + rows * heads;
  float* const rstd = mean + rows;
  const size_t bytes = static_cast<size_t>(width) * sizeof(float);

  for (int64_t block = 0; block < keys.count; ++block) {
    const float* const from = block == 0 ? x : y;
    float* const* const norm = norms.data + 4 * block;
    float* const key = keys.data[block];
    float* const value = values.data[block];

    layer_norm(from, norm[0], norm[1], normal, mean, rstd, rows, width, epsilon);
    linear(4 * block, 3 * width, width, normal, joined, kActNone);
    for (int64_t r = 0; r < rows; ++r) {
      const float* const row = joined + 3 * r * width;
      std::memcpy(query + r * width, row, bytes);
      std::memcpy(key + (r * capacity + position) * width, row + width, bytes);
      std::memcpy(value + (r * capacity + position) * width, row + 2 * width, bytes);
    }
    attention(query, key, value, padding, nullptr, attended, log_sum_exp, rows, 1, capacity, position + 1, heads, heads,
              width / heads, width / heads, 1, 1, scales[block], true, 0, 0, 0);
    linear(4 * block + 1, width, width, attended, middle, kActNone);
    binary(add, from, middle, middle, 1, size, 0, 1, 0, 1);

    layer_norm(middle, norm[2], norm[3], normal, mean, rstd, rows, width, epsilon);
    linear(4 * block + 2, inner, width, normal, within, activation);
    linear(4 * block + 3, width, inner, within, y, kActNone);
    binary(add, middle, y, y, 1, size, 0, 1, 0, 1);
  }
}

}  // namespace weft::WEFT_ISA
