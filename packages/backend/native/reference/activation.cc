#include "activation.h"

#include <cmath>

namespace weft::reference {

double activation_derivative(double x, int32_t kind) {
  const double s = 1 / (1 + std::exp(-x));
  switch (kind) {
    case 1: return x > 0 ? 1 : 0;
    case 2: return 0.5 * std::erfc(-x / std::sqrt(2.0)) + x * std::exp(-x * x / 2) / std::sqrt(2 * M_PI);
    case 3: {
      const double c = std::sqrt(2 / M_PI), t = std::tanh(c * (x + 0.044715 * x * x * x));
      return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * c * (1 + 3 * 0.044715 * x * x);
    }
    case 4: return 1 - std::tanh(x) * std::tanh(x);
    case 5: return s * (1 - s);
    case 6: return s * (1 + x * (1 - s));
    default: return 1;
  }
}

}  // namespace weft::reference
