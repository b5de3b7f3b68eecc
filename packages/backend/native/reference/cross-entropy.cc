#include "cross-entropy.h"

#include <cmath>

#include "softmax.h"

namespace weft::reference {

double cross_entropy(const float* logits, const int32_t* labels, double* dlogits, int64_t rows, int64_t classes,
                     int32_t ignored, double smoothing, bool mean) {
  double total = 0;
  int64_t counted = 0;
  for (int64_t r = 0; r < rows; ++r) counted += labels[r] != ignored;
  const double scale = mean ? 1.0 / static_cast<double>(counted) : 1;
  for (int64_t r = 0; r < rows; ++r) {
    const float* x = logits + r * classes;
    double* dx = dlogits + r * classes;
    for (int64_t c = 0; c < classes; ++c) dx[c] = 0;
    if (labels[r] == ignored) continue;
    const double lse = log_sum_exp(x, classes);
    for (int64_t c = 0; c < classes; ++c) {
      const double target = (c == labels[r] ? 1 - smoothing : 0) + smoothing / static_cast<double>(classes);
      total -= target * (x[c] - lse);
      dx[c] = scale * (std::exp(x[c] - lse) - target);
    }
  }
  return total * scale;
}

}  // namespace weft::reference
