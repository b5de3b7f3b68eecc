#pragma once

#include <cstdint>

namespace weft::reference {

// As kernels/quantized-linear.h, accumulated in double.
void quantized_linear(int64_t m, int64_t n, int64_t k, int64_t group, const float* x, const int8_t* weight, const float* scales,
                      const float* bias, double* y, int32_t activation);

void quantize_weight(int64_t n, int64_t k, int64_t group, const float* weight, int8_t* quantized, float* scales);

}  // namespace weft::reference
