#pragma once

#include <cstdint>

namespace weft::reference {

// C = activation(op(A) op(B) + bias), accumulated in double; contiguous matrices. Kinds as in kernels/gemm.h.
void matmul(bool ta, bool tb, int64_t m, int64_t n, int64_t k, const float* a, const float* b, double* c, const float* bias,
            int32_t activation);
double activation(double x, int32_t kind);

}  // namespace weft::reference
