#include "convert.h"

#include "../kernels/gemm.h"

WEFT_EXPORT(sgemm, weft::sgemm)
WEFT_EXPORT(batchMatMul, weft::batch_matmul)
WEFT_EXPORT(packedFloats, weft::packed_floats)
WEFT_EXPORT(packWeight, weft::pack_weight)
WEFT_EXPORT(packedLinear, weft::packed_linear)
