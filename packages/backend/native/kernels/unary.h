// Elementwise functions of one tensor.
#pragma once

#include <cstdint>

#include "../runtime/cpu.h"

namespace weft {

// The order is that of src/kernels/unary.ts.
enum UnaryKind : int32_t {
  kUnaryNeg = 0,
  kUnaryAbs = 1,
  kUnarySquare = 2,
  kUnarySqrt = 3,
  kUnaryRsqrt = 4,
  kUnaryReciprocal = 5,
  kUnaryExp = 6,
  kUnaryLog = 7,
  kUnaryErf = 8,
  kUnaryTanh = 9,
  kUnarySigmoid = 10,
  kUnaryRelu = 11,
  kUnaryRelu6 = 12,
  kUnaryElu = 13,
  kUnaryLeakyRelu = 14,  // a: the slope below zero
  kUnaryStep = 15,       // a: the value below zero; NaN stays NaN
  kUnaryFloor = 16,
  kUnaryCeil = 17,
  kUnaryRound = 18,      // halves to even
  kUnaryClip = 19,       // to [a, b]
  kUnaryAffine = 20,     // a x + b, in two roundings
  kUnarySign = 21,       // 0 for NaN, as tfjs
};

// y = f(x). y may be x.
WEFT_KERNEL(void, unary, (int32_t kind, const float* x, float* y, int64_t n, float a, float b), (kind, x, y, n, a, b))

// y = value everywhere.
WEFT_KERNEL(void, fill, (float* y, int64_t n, float value), (y, n, value))

}  // namespace weft
