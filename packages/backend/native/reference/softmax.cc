#include "softmax.h"

#include <cmath>

namespace weft::reference {

double log_sum_exp(const float* x, int64_t width) {
  double best = x[0], total = 0;
  for (int64_t i = 1; i < width; ++i) best = x[i] > best || std::isnan(x[i]) ? x[i] : best;
  for (int64_t i = 0; i < width; ++i) total += std::exp(x[i] - best);
  return best + std::log(total);
}

void log_softmax(const float* x, double* y, int64_t rows, int64_t width) {
  for (int64_t r = 0; r < rows; ++r) {
    const double lse = log_sum_exp(x + r * width, width);
    for (int64_t i = 0; i < width; ++i) y[r * width + i] = x[r * width + i] - lse;
  }
}

void softmax(const float* x, double* y, int64_t rows, int64_t width) {
  log_softmax(x, y, rows, width);
  for (int64_t i = 0; i < rows * width; ++i) y[i] = std::exp(y[i]);
}

}  // namespace weft::reference
