#pragma once

#include <cstdint>

namespace weft::reference {

void softmax(const float* x, double* y, int64_t rows, int64_t width);
void log_softmax(const float* x, double* y, int64_t rows, int64_t width);
// log(sum(exp(x))).
double log_sum_exp(const float* x, int64_t width);

}  // namespace weft::reference
