#pragma once

#include <cstdint>

namespace weft::reference {

// The loss, and the gradient of the logits for dy = 1.
double cross_entropy(const float* logits, const int32_t* labels, double* dlogits, int64_t rows, int64_t classes,
                     int32_t ignored, double smoothing, bool mean);

}  // namespace weft::reference
