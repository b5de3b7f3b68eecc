#include "convert.h"

#include "../kernels/likeliest-token.h"

WEFT_EXPORT(coarseSize, weft::coarse_size)
WEFT_EXPORT(coarseWeight, weft::coarse_weight)
WEFT_EXPORT(likeliestToken, weft::likeliest_token)
