#include "gemm.h"

#include <cmath>

namespace weft::reference {

double activation(double x, int32_t kind) {
  switch (kind) {
    case 1: return x < 0 ? 0 : x;
    case 2: return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0)));
    case 3: return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
    case 4: return std::tanh(x);
    case 5: return 1 / (1 + std::exp(-x));
    case 6: return x / (1 + std::exp(-x));
    case 7: return x > 0 ? x : std::expm1(x);
    case 8: return x < 0 ? 0 : x > 6 ? 6 : x;
    default: return x;
  }
}

void matmul(bool ta, bool tb, int64_t m, int64_t n, int64_t k, const float* a, const float* b, double* c, const float* bias,
            int32_t kind) {
  for (int64_t i = 0; i < m; ++i) {
    for (int64_t j = 0; j < n; ++j) {
      double total = bias == nullptr ? 0 : bias[j];
      for (int64_t p = 0; p < k; ++p) {
        total += static_cast<double>(ta ? a[p * m + i] : a[i * k + p]) * (tb ? b[j * k + p] : b[p * n + j]);
      }
      c[i * n + j] = activation(total, kind);
    }
  }
}

}  // namespace weft::reference
