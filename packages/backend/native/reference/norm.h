#pragma once

#include <cstdint>

namespace weft::reference {

void layer_norm(const float* x, const float* gamma, const float* beta, double* y, double* mean, double* rstd, int64_t rows,
                int64_t width, double epsilon);
void layer_norm_gradient(const float* dy, const float* x, const float* gamma, double* dx, double* dgamma, double* dbeta,
                         int64_t rows, int64_t width, double epsilon);
void rms_norm(const float* x, const float* gamma, double* y, double* rstd, int64_t rows, int64_t width, double epsilon);
void rms_norm_gradient(const float* dy, const float* x, const float* gamma, double* dx, double* dgamma, int64_t rows,
                       int64_t width, double epsilon);

}  // namespace weft::reference
