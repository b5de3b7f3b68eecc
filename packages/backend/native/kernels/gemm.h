// Matrix multiplication in float32.
#pragma once

#include <cstdint>

#include "../runtime/cpu.h"

namespace weft {

// Kinds of activation that a matrix multiplication can end with; the order is that of src/kernels/activation-kind.ts.
// Plain numbers: an enumeration's name would make calls between kernels ambiguous.
constexpr int32_t kActNone = 0, kActRelu = 1, kActGelu = 2, kActGeluNew = 3, kActTanh = 4, kActSigmoid = 5, kActSilu = 6,
                  kActElu = 7, kActRelu6 = 8;

// C[m, n] = activation(op(A) op(B) + bias[n]), or, with `accumulate`, C += op(A) op(B).
// Row-major. ta: A is stored [k, m], else [m, k]; tb: B is stored [n, k], else [k, n]. ld* is the distance between
// two stored rows. `bias` may be null. k = 0 gives activation(bias). The bits do not depend on the number of threads.
WEFT_KERNEL(void, sgemm,
            (bool ta, bool tb, int64_t m, int64_t n, int64_t k, const float* a, int64_t lda, const float* b,
             int64_t ldb, float* c, int64_t ldc, const float* bias, int32_t activation, bool accumulate),
            (ta, tb, m, n, k, a, lda, b, ldb, c, ldc, bias, activation, accumulate))

// `batch` multiplications of contiguous matrices: item i multiplies A number indexA[i] and B number indexB[i]
// (null: i for both) into C number i.
WEFT_KERNEL(void, batch_matmul,
            (bool ta, bool tb, int64_t batch, int64_t m, int64_t n, int64_t k, const float* a, const float* b, float* c,
             const int32_t* indexA, const int32_t* indexB, const float* bias, int32_t activation),
            (ta, tb, batch, m, n, k, a, b, c, indexA, indexB, bias, activation))

// A weight that many multiplications share, rearranged once in the order in which the tiles read it. The arrangement
// belongs to the instruction set in use; the result has the same bits as sgemm's.
WEFT_KERNEL(int64_t, packed_floats, (int64_t n, int64_t k), (n, k))
WEFT_KERNEL(void, pack_weight, (bool tb, int64_t n, int64_t k, const float* b, float* packed), (tb, n, k, b, packed))
// C[m, n] = activation(A[m, k] B + bias[n]) for such a B.
WEFT_KERNEL(void, packed_linear,
            (int64_t m, int64_t n, int64_t k, const float* a, const float* packed, float* c, const float* bias,
             int32_t activation),
            (m, n, k, a, packed, c, bias, activation))

}  // namespace weft
