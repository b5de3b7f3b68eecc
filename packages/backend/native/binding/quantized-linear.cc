#include "convert.h"

#include "../kernels/quantized-linear.h"

WEFT_EXPORT(quantizedLinear, weft::quantized_linear)
WEFT_EXPORT(quantizeWeight, weft::quantize_weight)
