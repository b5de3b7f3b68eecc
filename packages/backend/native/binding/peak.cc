#include "convert.h"

#include "../kernels/peak.h"

WEFT_EXPORT(fmaPeak, weft::fma_peak)
WEFT_EXPORT(copyPeak, weft::copy_peak)
WEFT_EXPORT(readPeak, weft::read_peak)
