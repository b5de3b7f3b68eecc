#include "convert.h"

#include "../kernels/selection.h"

WEFT_EXPORT(argMax, weft::arg_max)
WEFT_EXPORT(topK, weft::top_k)
WEFT_EXPORT(hasNan, weft::has_nan)
