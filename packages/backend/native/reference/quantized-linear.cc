#include "quantized-linear.h"

#include <cmath>

#include "gemm.h"

namespace weft::reference {

void quantized_linear(int64_t m, int64_t n, int64_t k, int64_t group, const float* x, const int8_t* weight, const float* scales,
                      const float* bias, double* y, int32_t kind) {
  for (int64_t i = 0; i < m; ++i) {
    for (int64_t j = 0; j < n; ++j) {
      double total = bias == nullptr ? 0 : bias[j];
      for (int64_t p = 0; p < k; ++p) {
        total += static_cast<double>(x[i * k + p]) * scales[j * (k / group) + p / group] * weight[j * k + p];
      }
      y[i * n + j] = activation(total, kind);
    }
  }
}

void quantize_weight(int64_t n, int64_t k, int64_t group, const float* weight, int8_t* quantized, float* scales) {
  for (int64_t g = 0; g < n * k / group; ++g) {
    double largest = 0;
    for (int64_t i = g * group; i < (g + 1) * group; ++i) largest = std::fmax(largest, std::fabs(weight[i]));
    scales[g] = static_cast<float>(largest / 127);
    for (int64_t i = g * group; i < (g + 1) * group; ++i) {
      const double steps = scales[g] == 0 ? 0 : static_cast<double>(weight[i]) / scales[g];
      quantized[i] = static_cast<int8_t>(std::floor(steps + 0.5));
    }
  }
}

}  // namespace weft::reference
