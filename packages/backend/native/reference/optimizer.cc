#include "optimizer.h"

#include <cmath>

namespace weft::reference {

void adam_w(const AdamW& o, double* parameter, double gradient, double* mean, double* variance) {
  const double g = gradient * o.gradient_scale;
  *parameter -= o.rate * o.decay * *parameter;
  *mean = o.beta1 * *mean + (1 - o.beta1) * g;
  *variance = o.beta2 * *variance + (1 - o.beta2) * g * g;
  const double corrected = *mean / (1 - std::pow(o.beta1, o.step));
  *parameter -= o.rate * corrected / (std::sqrt(*variance) / std::sqrt(1 - std::pow(o.beta2, o.step)) + o.epsilon);
}

}  // namespace weft::reference
