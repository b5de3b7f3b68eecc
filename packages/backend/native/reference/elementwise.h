#pragma once

#include <cstdint>

namespace weft::reference {

// Kinds as in kernels/unary.h, kernels/binary.h.
double unary(int32_t kind, double x, double a, double b);
double binary(int32_t kind, double a, double b);

}  // namespace weft::reference
