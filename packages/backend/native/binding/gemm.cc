#include "convert.h"

#include "../kernels/gemm.h"

WEFT_EXPORT(batchMatMul, weft::batch_matmul)
