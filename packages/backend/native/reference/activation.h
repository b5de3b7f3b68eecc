#pragma once

#include <cstdint>

namespace weft::reference {

// The derivative of reference::activation (gemm.h).
double activation_derivative(double x, int32_t kind);

}  // namespace weft::reference
