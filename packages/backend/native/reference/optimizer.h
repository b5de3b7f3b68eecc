#pragma once

#include <cstdint>

namespace weft::reference {

struct AdamW {
  double rate, decay, beta1, beta2, epsilon, step, gradient_scale;
};

// One parameter's step; mean and variance are moved too.
void adam_w(const AdamW& options, double* parameter, double gradient, double* mean, double* variance);

}  // namespace weft::reference
