#include "elementwise.h"

#include <cmath>

#include "../kernels/binary.h"
#include "../kernels/unary.h"

namespace weft::reference {

double unary(int32_t kind, double x, double a, double b) {
  switch (kind) {
    case kUnaryNeg: return -x;
    case kUnaryAbs: return std::fabs(x);
    case kUnarySquare: return x * x;
    case kUnarySqrt: return std::sqrt(x);
    case kUnaryRsqrt: return 1 / std::sqrt(x);
    case kUnaryReciprocal: return 1 / x;
    case kUnaryExp: return std::exp(x);
    case kUnaryLog: return std::log(x);
    case kUnaryErf: return std::erf(x);
    case kUnaryTanh: return std::tanh(x);
    case kUnarySigmoid: return 1 / (1 + std::exp(-x));
    case kUnaryRelu: return x < 0 ? 0 : x;
    case kUnaryRelu6: return x < 0 ? 0 : x > 6 ? 6 : x;
    case kUnaryElu: return x > 0 ? x : std::expm1(x);
    case kUnaryLeakyRelu: return x < 0 ? a * x : x;
    case kUnaryStep: return std::isnan(x) ? x : x > 0 ? 1 : a;
    case kUnaryFloor: return std::floor(x);
    case kUnaryCeil: return std::ceil(x);
    case kUnaryRound: return std::nearbyint(x);
    case kUnaryClip: return x < a ? a : x > b ? b : x;
    case kUnaryAffine: return a * x + b;
    case kUnarySign: return x > 0 ? 1 : x < 0 ? -1 : 0;
    default: return x;
  }
}

double binary(int32_t kind, double a, double b) {
  switch (kind) {
    case kBinaryAdd: return a + b;
    case kBinarySub: return a - b;
    case kBinaryMul: return a * b;
    case kBinaryDiv: return a / b;
    case kBinaryMaximum: return std::isnan(a) ? a : std::isnan(b) ? b : a > b ? a : b;
    case kBinaryMinimum: return std::isnan(a) ? a : std::isnan(b) ? b : a < b ? a : b;
    case kBinarySquaredDifference: return (a - b) * (a - b);
    default: return a;
  }
}

}  // namespace weft::reference
