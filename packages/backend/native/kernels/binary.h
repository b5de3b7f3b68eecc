// Elementwise functions of two tensors, with broadcasting.
#pragma once

#include <cstdint>

#include "../runtime/cpu.h"

namespace weft {

// The order is that of src/kernels/binary.ts.
enum BinaryKind : int32_t {
  kBinaryAdd = 0,
  kBinarySub = 1,
  kBinaryMul = 2,
  kBinaryDiv = 3,
  kBinaryMaximum = 4,  // NaN where either is NaN
  kBinaryMinimum = 5,
  kBinarySquaredDifference = 6,
};
enum CompareKind : int32_t {
  kCompareEqual = 0,
  kCompareNotEqual = 1,
  kCompareLess = 2,
  kCompareLessEqual = 3,
  kCompareGreater = 4,
  kCompareGreaterEqual = 5,
};

// y[outer, inner] = f(a, b), where a lies at a[o * a_outer + i * a_inner] and likewise b; a_inner and b_inner are 0
// or 1. y may be a or b where that one is not broadcast.
WEFT_KERNEL(void, binary,
            (int32_t kind, const float* a, const float* b, float* y, int64_t outer, int64_t inner, int64_t a_outer,
             int64_t a_inner, int64_t b_outer, int64_t b_inner),
            (kind, a, b, y, outer, inner, a_outer, a_inner, b_outer, b_inner))

// The same for shapes of any rank: `layout` holds the sizes, then the strides of a, then those of b (0: broadcast).
WEFT_KERNEL(void, binary_broadcast,
            (int32_t kind, const float* a, const float* b, float* y, const int32_t* layout, int32_t rank),
            (kind, a, b, y, layout, rank))

// y = a compared with b, 1 or 0, as `binary`.
WEFT_KERNEL(void, compare,
            (int32_t kind, const float* a, const float* b, uint8_t* y, int64_t outer, int64_t inner, int64_t a_outer,
             int64_t a_inner, int64_t b_outer, int64_t b_inner),
            (kind, a, b, y, outer, inner, a_outer, a_inner, b_outer, b_inner))

// y = condition ? a : b, element by element.
WEFT_KERNEL(void, choose, (const uint8_t* condition, const float* a, const float* b, float* y, int64_t n),
            (condition, a, b, y, n))

}  // namespace weft
